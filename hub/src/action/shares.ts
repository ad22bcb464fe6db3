/** The largest lead in service time that counts, in milliseconds; an older lead is forgotten. */
const longestLeadMs = 5000

interface Share {
  /** service time so far, without current services, in milliseconds */
  had: number
  /** number of current services, and the sum of their start times */
  underway: number
  begunSum: number
}

/**
 * Tracks service time per key, to serve the one with the least. A key that returns after a pause
 * starts at the current level: it is served soon, but saves nothing up.
 */
export class Shares {
  readonly #shares = new Map<string, Share>()
  /** service time of the last served key: the minimum for every other one */
  #least = 0

  /** The key with the least service time; the first of ties. */
  next(names: Iterable<string>): string | undefined {
    const now = performance.now()
    let next: string | undefined
    let least = Infinity
    for (const name of names) {
      const had = this.#had(name, now)
      if (had >= least) continue
      next = name
      least = had
    }
    return next
  }

  /** Records the start of a service. @returns ends it */
  begin(name: string): () => void {
    const now = performance.now()
    const share = this.#shares.get(name) ?? { had: 0, underway: 0, begunSum: 0 }
    this.#shares.set(name, share)
    const had = this.#had(name, now)
    share.had = had - share.underway * now + share.begunSum
    share.underway += 1
    share.begunSum += now
    this.#least = had
    return () => {
      share.underway -= 1
      share.begunSum -= now
      share.had += performance.now() - now
    }
  }

  #had(name: string, now: number): number {
    const share = this.#shares.get(name)
    if (share === undefined) return this.#least
    const had = share.had + share.underway * now - share.begunSum
    return Math.min(Math.max(had, this.#least), this.#least + longestLeadMs)
  }
}
