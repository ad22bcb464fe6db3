import type { Execution } from '../history/store/execution.ts'

type Named = Pick<Execution, 'agent_id' | 'action_id'>

interface Entry {
  readonly ending: AbortController
  /** how many registrations have not been forgotten */
  holders: number
}

/**
 * The actions that run here, each with the way to end it. The same action may be registered twice at once (its request
 * came again while it is being started); the ledger lets one of them run, and the other leaves it as it is.
 */
export class RunningActions {
  readonly #runs = new Map<string, Entry>()

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
    const entry = this.#runs.get(nameOf(action)) ?? { ending: new AbortController(), holders: 0 }
    entry.holders += 1
    this.#runs.set(nameOf(action), entry)
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
    return run.ending.signal
  }

  /** Ends a run. Tells whether there is one. */
  end(action: Named, reason: Error): boolean {
    const run = this.#runs.get(nameOf(action))
    run?.ending.abort(reason)
    return run !== undefined
  }

  endAll(reason: Error): void {
    for (const run of this.#runs.values()) run.ending.abort(reason)
  }

  /** Takes one registration back. */
  forget(action: Named): void {
    const entry = this.#runs.get(nameOf(action))
    if (entry === undefined) return
    entry.holders -= 1
    if (entry.holders === 0) this.#runs.delete(nameOf(action))
  }
}

function nameOf(action: Named): string {
  return `${action.agent_id}/${action.action_id}`
}
