import { NatsError } from 'nats'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'

/** The broker's error code for a full subject of a stream that rejects new messages. */
const quotaReached = 10_077

/**
 * Translates an error of the broker or its client.
 *
 * @param error the thrown value
 * @param doing the attempted operation, for the message
 */
export function busError(error: unknown, doing: string): CentralPostError {
  const code = error instanceof NatsError ? error.code : ''
  const say = (text: string): string => `${doing}: ${text}`
  if (error instanceof NatsError && error.jsError()?.err_code === quotaReached) {
    return new CentralPostError(
      'unavailable',
      say("the sender's limit of queued messages is reached; send it again in a few seconds"),
      { cause: error, details: { retry_after: 2 } },
    )
  }
  switch (code) {
    case '503':
      return new CentralPostError('unavailable', say('no responders; is the hub running?'), {
        cause: error,
      })
    case 'TIMEOUT':
      return new CentralPostError('unavailable', say('no answer in time'), { cause: error })
    case 'CONNECTION_REFUSED':
    case 'CONNECTION_TIMEOUT':
    case 'CONNECTION_CLOSED':
    case 'CONNECTION_DRAINING':
    case 'DISCONNECT':
      return new CentralPostError('unavailable', say('the broker cannot be reached'), {
        cause: error,
      })
    case 'AUTHORIZATION_VIOLATION':
    case 'AUTHENTICATION_EXPIRED':
      return new CentralPostError('forbidden', say('the broker refused these credentials'), {
        cause: error,
      })
    case 'MAX_PAYLOAD_EXCEEDED':
      return new CentralPostError(
        'invalid_request',
        say("the message exceeds the broker's size limit"),
        { cause: error },
      )
    case 'PERMISSIONS_VIOLATION':
      return new CentralPostError('forbidden', say(messageOf(error)), { cause: error })
    default:
      return new CentralPostError('unavailable', say(messageOf(error)), { cause: error })
  }
}
