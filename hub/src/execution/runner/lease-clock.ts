import { bootMs } from '@centralpost/shared/light'

const lookMs = 200

/**
 * The runner's own clock of its hub's lease: a hub that is stopped, cut off or suspended cannot end what it runs, and
 * another hub may by then call it interrupted. Ends are moments of the machine's clock, so that a renewal which comes late
 * moves nothing.
 */
export class LeaseClock {
  readonly #onOver: () => void
  #until = Number.POSITIVE_INFINITY
  #looking: NodeJS.Timeout | undefined
  #isOver = false

  /** @param onOver called once, when the lease was not renewed in time */
  constructor(onOver: () => void) {
    this.#onOver = onOver
  }

  /** Moves the end of the lease. One that is over stays over. */
  extend(untilBootMs: number): void {
    this.#until = Math.max(untilBootMs, this.#looking === undefined ? 0 : this.#until)
    this.#looking ??= setInterval(() => this.check(), lookMs).unref()
  }

  /** Whether the lease is over, at this moment. */
  check(): boolean {
    if (this.#isOver || bootMs() < this.#until) return this.#isOver
    this.#isOver = true
    clearInterval(this.#looking)
    this.#onOver()
    return true
  }
}
