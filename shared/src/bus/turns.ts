import { CentralPostError } from '../problem.ts'

/**
 * One call of a caller at a time, so that who calls thousands of times delays others by one call at most. Between two
 * calls of one caller everybody else has a turn.
 */
export class Turns {
  readonly #lines = new Map<string, { last: Promise<unknown>; waiting: number }>()
  readonly #mostWaiting: number

  /** @param mostWaiting how many calls of one caller may wait; more are refused */
  constructor(mostWaiting = Number.POSITIVE_INFINITY) {
    this.#mostWaiting = mostWaiting
  }

  /**
   * Does a piece of work when the caller's earlier ones are done.
   *
   * @throws {CentralPostError} `unavailable` when too many of the caller's wait already
   */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(caller) ?? { last: Promise.resolve(), waiting: 0 }
    if (line.waiting >= this.#mostWaiting) {
      throw new CentralPostError(
        'unavailable',
        `${this.#mostWaiting} calls of "${caller}" wait for an answer already; wait for these`,
      )
    }
    this.#lines.set(caller, line)
    line.waiting += 1
    const turn = line.last.then(() => new Promise(setImmediate)).then(work)
    line.last = turn.catch(() => {
      // told to its own caller
    })
    try {
      return await turn
    } finally {
      line.waiting -= 1
      if (line.waiting === 0) this.#lines.delete(caller)
    }
  }
}
