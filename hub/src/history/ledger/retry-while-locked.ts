import { setTimeout as delay } from 'node:timers/promises'
import { type Logger, messageOf, Backoff } from '@centralpost/shared'
import { isTransientError } from '../store/transient-error.ts'

const firstWaitMs = 50
const longestWaitMs = 2000

export interface RetryOptions {
  /** Ends the retries: the hub stops, or the time is up. */
  readonly giveUp: AbortSignal
  readonly log: Logger
}

/**
 * Retries while the database is locked or full: events must not be lost because they could not be
 * recorded immediately.
 *
 * @param work may run again from its start
 * @throws the error of `work` when it is not transient, or when given up
 */
export async function retryWhileLocked<T>(
  work: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const pauses = new Backoff(firstWaitMs, longestWaitMs)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isTransientError(error) || options.giveUp.aborted) throw error
      options.log.error('the database cannot be written; retrying', { error: messageOf(error) })
      await delay(pauses.next(), undefined, { signal: options.giveUp }).catch(() => {
        // given up: one last try
      })
    }
  }
}
