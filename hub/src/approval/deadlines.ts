/**
 * Longest single timer, in milliseconds: `setTimeout` takes 32 bits, and a changed system clock is
 * noticed within this time.
 */
const longestWaitMs = 3_600_000

/**
 * Calls back at a wall-clock time, by id. A timer that fires early (the clock was set back) is set
 * again; a late one calls back immediately. A maximal duration is measured by the monotonic clock,
 * whatever the wall clock does.
 */
export class Deadlines {
  readonly #due: (id: number, at: number) => void
  readonly #now: () => number
  readonly #timers = new Map<number, NodeJS.Timeout>()

  /** @param due gets the id, and its deadline */
  constructor(now: () => number, due: (id: number, at: number) => void) {
    this.#now = now
    this.#due = due
  }

  /**
   * @param at milliseconds since 1970; replaces an earlier deadline of the same id
   * @param withinMs maximal delay in milliseconds, by the monotonic clock
   */
  set(id: number, at: number, withinMs = Number.POSITIVE_INFINITY): void {
    this.#wait(id, at, performance.now() + withinMs)
  }

  /** Calls back again after a delay, in milliseconds. */
  again(id: number, at: number, afterMs: number): void {
    this.#arm(id, afterMs, () => this.#due(id, at))
  }

  has(id: number): boolean {
    return this.#timers.has(id)
  }

  clear(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  clearAll(): void {
    for (const id of this.#timers.keys()) this.clear(id)
  }

  #wait(id: number, at: number, latest: number): void {
    const left = Math.min(at - this.#now(), latest - performance.now())
    this.#arm(id, Math.min(Math.max(left, 0), longestWaitMs), () => {
      if (this.#now() >= at || performance.now() >= latest) this.#due(id, at)
      else this.#wait(id, at, latest)
    })
  }

  #arm(id: number, waitMs: number, work: () => void): void {
    this.clear(id)
    const timer = setTimeout(() => {
      this.#timers.delete(id)
      work()
    }, waitMs)
    timer.unref()
    this.#timers.set(id, timer)
  }
}
