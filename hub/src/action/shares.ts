/** Nobody is held to have had more than this above the others: what lies further back is forgotten, in milliseconds. */
const longestLeadMs = 5000

interface Share {
  /** what it has had, without what it is having now, in milliseconds */
  had: number
  /** how often it is being served now, and the sum of the moments when that began */
  underway: number
  begunSum: number
}

/**
 * Who has had least of something lately, so that it is served next. Whoever comes back after a while begins where the
 * others are: it is served at once, and saves nothing up.
 */
export class Shares {
  readonly #shares = new Map<string, Share>()
  /** what the one had that was served last: nobody is held to have had less */
  #least = 0

  /** The one of these that has had least, the first of several. */
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

  /** One is served, until that is over. @returns says that it is */
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
