import { type ActionOutput, type ActionResult, CentralPostError } from '@centralpost/shared'
import { waitFor, type WaitOptions } from '../spoke/deadline.ts'
import { OutputBuffer } from './output-buffer.ts'

/** An action that was asked for: what its agent holds until the result is there. */
export interface RequestedAction {
  readonly actionId: string
  /** What the command prints, while it runs; ends when the result is there. Read it once, with `for await`. */
  readonly output: AsyncIterable<ActionOutput>
  /**
   * The one result, whatever it is: completed, failed, denied, expired, rejected …
   *
   * @throws {CentralPostError} `unavailable` when none came in time; the action goes on
   */
  result(options?: WaitOptions): Promise<ActionResult>
  /**
   * Asks the hub to end the action; its result then says `cancelled`, unless it had ended before.
   *
   * @throws {CentralPostError} `not_found`, `unavailable`
   */
  cancel(reason?: string): Promise<void>
}

/** The agent's own side of a RequestedAction: where results and output that arrive are put. */
export class ActionWatch implements RequestedAction {
  readonly actionId: string
  readonly output = new OutputBuffer()
  readonly #settled = Promise.withResolvers<ActionResult>()
  readonly #cancel: (reason?: string) => Promise<void>
  #holders = 0

  constructor(actionId: string, cancel: (reason?: string) => Promise<void>) {
    this.actionId = actionId
    this.#cancel = cancel
    // nobody may be waiting when the agent is closed
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

  /** Whether anybody can still ask this object for its result. */
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
    `action "${actionId}" has no result after ${timeoutMs} ms; it goes on, ask for its result later by that id`,
    { details: { action_id: actionId } },
  )
}
