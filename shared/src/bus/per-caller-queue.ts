import { CentralPostError } from '../problem.ts'

/**
 * Runs one call per caller at a time, so that a caller with thousands of calls delays others by one
 * call at most. Callers take turns.
 */
export class PerCallerQueue {
  readonly #lines = new Map<string, { last: Promise<unknown>; waiting: number }>()
  readonly #mostWaiting: number

  /** @param mostWaiting limit of queued calls per caller; more are refused */
  constructor(mostWaiting = Number.POSITIVE_INFINITY) {
    this.#mostWaiting = mostWaiting
  }

  /**
   * Runs a task after the caller's earlier ones.
   *
   * @throws {CentralPostError} `unavailable` when the caller's queue is full
   */
  async take<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(caller) ?? { last: Promise.resolve(), waiting: 0 }
    if (line.waiting >= this.#mostWaiting) {
      throw new CentralPostError(
        'unavailable',
        `"${caller}" has ${this.#mostWaiting} calls queued already; wait for their answers`,
      )
    }
    this.#lines.set(caller, line)
    line.waiting += 1
    const turn = line.last.then(() => new Promise(setImmediate)).then(work)
    line.last = turn.catch(() => {
      // the error goes to the task's own caller
    })
    try {
      return await turn
    } finally {
      line.waiting -= 1
      if (line.waiting === 0) this.#lines.delete(caller)
    }
  }
}
