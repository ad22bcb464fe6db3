import { Backoff } from '@centralpost/shared'
import { setTimeout as delay } from 'node:timers/promises'

/** The agent has as much under way as it may. */
export interface SentAway {
  /** when it should have less, in milliseconds from now; null: nobody can say */
  readonly expectedMs: number | null
}

const firstPauseMs = 50
const longestPauseMs = 1000

/**
 * Slows down who asks for more than it may have: each refusal is a row in the ledger, so that a flood of them would fill
 * the disk. What is not read meanwhile stays with the broker, which refuses more than the agent's quota.
 */
export class Pace {
  readonly #slow = new Map<string, { readonly pauses: Backoff; readonly goOnAt: number }>()

  /** Resolves when the next request of a sender may be read. */
  async turn(sender: string): Promise<void> {
    const slow = this.#slow.get(sender)
    if (slow === undefined) return
    await delay(Math.max(0, slow.goOnAt - performance.now()))
  }

  /**
   * Notes what became of a sender's request: every refusal in a row doubles the pause after it, and none is shorter than it
   * should take until there is room.
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
