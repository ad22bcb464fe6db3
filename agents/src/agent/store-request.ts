import {
  type Bus,
  CentralPostError,
  type Headers,
  isCentralPostError,
  type Logger,
  messageOf,
  Backoff,
} from '@centralpost/shared'
import type { AddressedRequest } from './action-asked.ts'
import { pause, waitFor } from '../spoke/deadline.ts'

/** The default time limit for storing a request, in milliseconds. */
const defaultTimeoutMs = 30_000
const longestPauseMs = 2_000

export interface StoreOptions {
  readonly timeoutMs?: number
  readonly signal: AbortSignal
  readonly log: Logger
  readonly headers?: Headers
}

/**
 * Stores a request on the broker, with retries until it confirms. Every attempt has the same action
 * id, so the hub takes duplicates for one action.
 *
 * @throws {CentralPostError} `unavailable` when it is not confirmed in time, `forbidden`; or the
 *   signal's reason
 */
export async function storeRequest(
  bus: Bus,
  subject: string,
  request: AddressedRequest,
  options: StoreOptions,
): Promise<void> {
  const { timeoutMs = defaultTimeoutMs, signal, log, headers } = options
  const deadline = performance.now() + timeoutMs
  let last: unknown = new CentralPostError('unavailable', 'the broker cannot be reached')
  const late = (): CentralPostError => notConfirmed(request.action_id, timeoutMs, last)
  const pauses = new Backoff(100, longestPauseMs)
  for (;;) {
    const pauseMs = pauses.next()
    const left = deadline - performance.now()
    if (left <= 0) throw late()
    if (bus.isConnected) {
      const back = Promise.withResolvers<'back'>()
      const stop = bus.onReconnect(() => back.resolve('back'))
      try {
        // a confirmation in flight is lost with the connection
        const first = Promise.race([
          bus.store(subject, request, headers && { headers }),
          back.promise,
        ])
        if ((await waitFor(first, { timeoutMs: left, signal }, late)) !== 'back') return
        continue
      } catch (error) {
        if (!isCentralPostError(error) || !error.retryable || signal.aborted) throw error
        last = error
        log.debug('request not stored yet', { actionId: request.action_id, error })
      } finally {
        stop()
      }
    }
    await pause(Math.min(pauseMs, Math.max(0, deadline - performance.now())), signal)
  }
}

function notConfirmed(actionId: string, timeoutMs: number, cause: unknown): CentralPostError {
  return new CentralPostError(
    'unavailable',
    `action "${actionId}" was not confirmed by the broker within ${timeoutMs} ms ` +
      `(${messageOf(cause)}); it may be stored anyway: ask for its result, or request it again under the same id`,
    { cause, details: { action_id: actionId } },
  )
}
