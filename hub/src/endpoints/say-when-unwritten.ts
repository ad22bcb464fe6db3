import { CentralPostError, type Endpoint, type Logger, messageOf } from '@centralpost/shared'
import { isPassingFault } from '../history/store/transient-fault.ts'

/** Wraps an endpoint: while the database is locked or full it answers `unavailable` (retryable). */
export function sayingWhenUnwritten(endpoint: Endpoint, log: Logger): Endpoint {
  return {
    ...endpoint,
    answer: (call) =>
      endpoint.answer(call).catch((error: unknown) => {
        if (!isPassingFault(error)) throw error
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
