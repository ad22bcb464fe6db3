import { Backoff } from '@centralpost/shared'
import { setTimeout as delay } from 'node:timers/promises'

/** The agent has reached a limit. */
export interface SentAway {
  /** time until there may be room, in milliseconds; null: unknown */
  readonly expectedMs: number | null
}

const firstPauseMs = 50
const longestPauseMs = 1000

/**
 * Slows down agents that exceed their limits: each refusal is a row in the ledger, and a flood of
 * them would fill the disk. Unread requests stay with the broker, which rejects those beyond the
 * agent's quota.
 */
export class Pace {
  readonly #slow = new Map<string, { readonly pauses: Backoff; readonly goOnAt: number }>()

  /** Resolves when the sender's next request may be read. */
  async turn(sender: string): Promise<void> {
    const slow = this.#slow.get(sender)
    if (slow === undefined) return
    await delay(Math.max(0, slow.goOnAt - performance.now()))
  }

  /**
   * Records the outcome of a sender's request: each consecutive refusal doubles the pause after it,
   * and none is shorter than the expected time until there is room.
   */
  note(sender: string, taken: 'taken' | SentAway): void {
    if (taken === 'taken') {
      this.#slow.delete(sender)
      return
    }
    const pauses = this.#slow.get(sender)?.pauses ?? new Backoff(firstPauseMs, longestPauseMs)
    const pauseMs = Math.min(Math.max(pauses.next(), taken.expectedMs ?? 0), longestPauseMs)
    this.#slow.set(sender, { pauses, goOnAt: performance.now() + pauseMs })
  }
}
