/**
 * Calls back when a wall-clock time has come, by id. A timer that fires early (the clock was set back) is set again;
 * one that fires late calls back at once.
 */
export class Deadlines {
  readonly #due: (id: number) => void
  readonly #now: () => number
  readonly #timers = new Map<number, NodeJS.Timeout>()

  constructor(now: () => number, due: (id: number) => void) {
    this.#now = now
    this.#due = due
  }

  /** @param at milliseconds since 1970; replaces an earlier time of the same id */
  set(id: number, at: number): void {
    this.clear(id)
    // setTimeout counts in 32 bits; an hour at a time also follows a clock that was set
    const wait = Math.min(Math.max(at - this.#now(), 0), 3_600_000)
    const timer = setTimeout(() => {
      this.#timers.delete(id)
      if (this.#now() >= at) this.#due(id)
      else this.set(id, at)
    }, wait)
    timer.unref()
    this.#timers.set(id, timer)
  }

  clear(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  clearAll(): void {
    for (const id of this.#timers.keys()) this.clear(id)
  }
}
