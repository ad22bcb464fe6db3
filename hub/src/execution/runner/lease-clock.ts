import { bootMs } from '@centralpost/shared/light'

const lookMs = 200

/**
 * The runner's own clock for its hub's lease. A suspended or disconnected hub cannot end its
 * commands, and another hub may declare them interrupted. Lease ends are times on the machine's
 * clock, so that a late renewal extends nothing.
 */
export class LeaseClock {
  readonly #onOver: () => void
  #until = Number.POSITIVE_INFINITY
  #looksLate = 0

  /** @param onOver called when the lease has expired, repeatedly until it is renewed */
  constructor(onOver: () => void) {
    this.#onOver = onOver
    setInterval(() => this.#look(), lookMs).unref()
  }

  /** Extends the lease: new commands may run until then. */
  extend(untilBootMs: number): void {
    this.#until = untilBootMs
  }

  /** Whether the lease has expired. */
  get isOver(): boolean {
    // without a lease the clock need not be read
    return this.#until < Number.POSITIVE_INFINITY && bootMs() >= this.#until
  }

  #look(): void {
    this.#looksLate = this.isOver ? this.#looksLate + 1 : 0
    // a starved process may still have a renewal to read
    if (this.#looksLate > 1) this.#onOver()
  }
}
