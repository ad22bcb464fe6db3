import { CentralPostError } from '@centralpost/shared'

const mostWaiting = 64

/**
 * One call of a caller at a time, so that who calls thousands of times delays others by one call at most. Between two
 * calls of one caller everybody else has a turn.
 */
export class Turns {
  readonly #lines = new Map<string, { last: Promise<unknown>; waiting: number }>()

  /**
   * Does a piece of work when the caller's earlier ones are done.
   *
   * @throws {CentralPostError} `unavailable` when too many of the caller's wait already
   */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(caller) ?? { last: Promise.resolve(), waiting: 0 }
    if (line.waiting >= mostWaiting) {
      throw new CentralPostError(
        'unavailable',
        `${mostWaiting} calls of "${caller}" wait for an answer already; wait for these`,
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
