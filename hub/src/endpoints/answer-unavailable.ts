import { CentralPostError, type Endpoint, type Logger, messageOf } from '@centralpost/shared'
import { isTransientError } from '../history/store/transient-error.ts'

/** Wraps an endpoint: while the database is locked or full it answers `unavailable` (retryable). */
export function answerUnavailable(endpoint: Endpoint, log: Logger): Endpoint {
  return {
    ...endpoint,
    answer: (call) =>
      endpoint.answer(call).catch((error: unknown) => {
        if (!isTransientError(error)) throw error
        const message = messageOf(error)
        log.error('the database cannot be written', { endpoint: endpoint.name, error: message })
        throw new CentralPostError(
          'unavailable',
          `the hub cannot write its history at the moment (${message}); check its state and try again`,
          { cause: error },
        )
      }),
  }
}
