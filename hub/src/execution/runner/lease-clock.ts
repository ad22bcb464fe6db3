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
  #looksLate = 0

  /** @param onOver called when the lease was not renewed in time, again and again while it is not */
  constructor(onOver: () => void) {
    this.#onOver = onOver
    setInterval(() => this.#look(), lookMs).unref()
  }

  /** Moves the end of the lease: what is started from now on may run until then. */
  extend(untilBootMs: number): void {
    this.#until = untilBootMs
  }

  /** Whether the lease is over, at this moment. */
  get isOver(): boolean {
    // without one the clock need not be read
    return this.#until < Number.POSITIVE_INFINITY && bootMs() >= this.#until
  }

  #look(): void {
    this.#looksLate = this.isOver ? this.#looksLate + 1 : 0
    // a process that was short of time may have a renewal to read yet
    if (this.#looksLate > 1) this.#onOver()
  }
}
