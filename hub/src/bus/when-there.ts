import { setTimeout as delay } from 'node:timers/promises'
import { isCentralPostError, type Logger, messageOf, Backoff } from '@centralpost/shared'

export interface WhenThereOptions {
  readonly what: string
  /** waits until this signal is aborted; absent: an absent broker is an error after `withinMs` */
  readonly until: AbortSignal | undefined
  /** @default 0 */
  readonly withinMs?: number
  readonly log: Logger
}

const firstPauseMs = 250
const longestPauseMs = 5000

/**
 * Retries a task while the broker is away or a cluster has no leader. Other errors are thrown
 * immediately.
 *
 * @throws {CentralPostError} the error of `work`; its last one when the wait is over
 */
export async function whenThere<T>(work: () => Promise<T>, options: WhenThereOptions): Promise<T> {
  const { what, until, withinMs = 0, log } = options
  const giveUpAt = performance.now() + withinMs
  const pauses = new Backoff(firstPauseMs, longestPauseMs)
  let told = ''
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const mayPass =
        isCentralPostError(error) && error.retryable && error.details['lasting'] !== true
      const isOver = until === undefined ? performance.now() >= giveUpAt : until.aborted
      if (!mayPass || isOver) throw error
      const message = messageOf(error)
      if (message !== told) log.warn(`${what} is away; waiting for it`, { error: message })
      told = message
      await delay(pauses.next(), undefined, until && { signal: until }).catch(() => {})
      if (until?.aborted) throw error
    }
  }
}
