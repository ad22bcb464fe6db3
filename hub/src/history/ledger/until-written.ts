import { setTimeout as delay } from 'node:timers/promises'
import { type Logger, messageOf, Backoff } from '@centralpost/shared'
import { isPassingFault } from '../store/transient-fault.ts'

const firstWaitMs = 50
const longestWaitMs = 2000

export interface WrittenOptions {
  /** Ends the trying: the hub stops, or it has taken too long. */
  readonly giveUp: AbortSignal
  readonly log: Logger
}

/**
 * Tries a piece of work again for as long as the database cannot be written (locked by another process, disk full): what
 * has happened must not be forgotten because it could not be recorded at once.
 *
 * @param work may be done again from its start
 * @throws what `work` throws when that is not the database's, or when it is given up
 */
export async function untilWritten<T>(work: () => Promise<T>, options: WrittenOptions): Promise<T> {
  const pauses = new Backoff(firstWaitMs, longestWaitMs)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isPassingFault(error) || options.giveUp.aborted) throw error
      options.log.error('the database cannot be written; trying again', { error: messageOf(error) })
      await delay(pauses.next(), undefined, { signal: options.giveUp }).catch(() => {
        // given up: one last try
      })
    }
  }
}
