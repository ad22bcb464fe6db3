/** Pauses between tries: each is twice the one before, up to a longest. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  #nextMs: number

  /**
   * @param firstMs the first pause, in milliseconds
   * @param longestMs the longest, in milliseconds
   */
  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#nextMs = firstMs
  }

  /** The pause before the next try, in milliseconds. */
  next(): number {
    const pauseMs = this.#nextMs
    this.#nextMs = Math.min(pauseMs * 2, this.#longestMs)
    return pauseMs
  }

  /** A try has succeeded: the next pause is the first one again. */
  reset(): void {
    this.#nextMs = this.#firstMs
  }
}
