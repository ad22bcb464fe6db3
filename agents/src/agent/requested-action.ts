import { type ActionOutput, type ActionResult, CentralPostError } from '@centralpost/shared'
import { waitFor, type WaitOptions } from '../spoke/deadline.ts'
import { OutputBuffer } from './output-buffer.ts'

/** A requested action: the agent's handle until its result arrives. */
export interface RequestedAction {
  readonly actionId: string
  /** The command's output while it runs; ends with the result. Read it once, with `for await`. */
  readonly output: AsyncIterable<ActionOutput>
  /**
   * The result, whatever the outcome: completed, failed, denied, expired, rejected …
   *
   * @throws {CentralPostError} `unavailable` when none came in time; the action continues
   */
  result(options?: WaitOptions): Promise<ActionResult>
  /**
   * Asks the hub to cancel the action. Its result is then `cancelled`, unless it had ended before.
   *
   * @throws {CentralPostError} `not_found`, `unavailable`
   */
  cancel(reason?: string): Promise<void>
}

/** The agent's side of a RequestedAction: receives results and output. */
export class ActionWatch implements RequestedAction {
  readonly actionId: string
  readonly output = new OutputBuffer()
  readonly #settled = Promise.withResolvers<ActionResult>()
  readonly #cancel: (reason?: string) => Promise<void>
  #holders = 0

  constructor(actionId: string, cancel: (reason?: string) => Promise<void>) {
    this.actionId = actionId
    this.#cancel = cancel
    // avoids an unhandled rejection if no caller waits when the agent is closed
    this.#settled.promise.catch(() => {})
  }

  result(options: WaitOptions = {}): Promise<ActionResult> {
    return waitFor(this.#settled.promise, options, () =>
      noResultYet(this.actionId, options.timeoutMs ?? 0),
    )
  }

  cancel(reason?: string): Promise<void> {
    return this.#cancel(reason)
  }

  /** Whether a caller can still ask this object for its result. */
  get isHeld(): boolean {
    return this.#holders > 0
  }

  /** Keeps the watch until the returned function is called. */
  hold(): () => void {
    this.#holders += 1
    return () => {
      this.#holders -= 1
    }
  }

  settle(result: ActionResult): void {
    this.output.end()
    this.#settled.resolve(result)
  }

  fail(error: CentralPostError): void {
    this.output.end()
    this.#settled.reject(error)
  }
}

function noResultYet(actionId: string, timeoutMs: number): CentralPostError {
  return new CentralPostError(
    'unavailable',
    `action "${actionId}" has no result after ${timeoutMs} ms; it continues, ask for its result later by that id`,
    { details: { action_id: actionId } },
  )
}
