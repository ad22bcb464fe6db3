/** Draws that are the same for the same seed, each list of draws of its own for each name. */
export class Dice {
  readonly seed: number
  #state: number

  /** @param name tells one list of draws of a seed from another, so that more draws of one change no other */
  constructor(seed: number, name: string) {
    this.seed = seed
    this.#state = seed >>> 0
    for (const letter of name) {
      this.#state = Math.imul(this.#state ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0
    }
  }

  /** From 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(least: number, most: number): number {
    return Math.round(least + this.next() * (most - least))
  }

  of<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.next() * choices.length)]
    if (chosen === undefined) throw new TypeError('there is nothing to choose from')
    return chosen
  }
}
