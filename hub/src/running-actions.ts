import type { CommandExecution } from './history/schema.ts'

type Named = Pick<CommandExecution, 'agent_id' | 'action_id'>

/** The actions that run here, each with the way to end it. */
export class RunningActions {
  readonly #runs = new Map<string, AbortController>()

  has(action: Named): boolean {
    return this.#runs.has(nameOf(action))
  }

  /**
   * Notes an action before the ledger says that it runs: whoever reads that may cancel it.
   *
   * @param write the step in the ledger
   * @param isRunning whether, by what was written, the action runs now; otherwise it is forgotten again
   */
  async register<T>(
    action: Named,
    write: () => Promise<T>,
    isRunning: (written: T) => boolean,
  ): Promise<T> {
    this.#runs.set(nameOf(action), new AbortController())
    let runs = false
    try {
      const written = await write()
      runs = isRunning(written)
      return written
    } finally {
      if (!runs) this.forget(action)
    }
  }

  /** What ends a registered action's run. */
  signalOf(action: Named): AbortSignal {
    const run = this.#runs.get(nameOf(action))
    if (run === undefined) throw new TypeError(`${nameOf(action)} was not registered`)
    return run.signal
  }

  /** Ends a run. Tells whether there is one. */
  end(action: Named, reason: Error): boolean {
    const run = this.#runs.get(nameOf(action))
    run?.abort(reason)
    return run !== undefined
  }

  endAll(reason: Error): void {
    for (const run of this.#runs.values()) run.abort(reason)
  }

  forget(action: Named): void {
    this.#runs.delete(nameOf(action))
  }
}

function nameOf(action: Named): string {
  return `${action.agent_id}/${action.action_id}`
}
