import type { Execution } from '../history/store/execution.ts'

type Named = Pick<Execution, 'agent_id' | 'action_id'>

interface Entry {
  readonly ending: AbortController
  /** the number of active registrations */
  holders: number
}

/**
 * The running actions, each with a way to abort it. The same action may be registered twice at once
 * (a redelivery during its start); the ledger lets one of them run, and the other gives up.
 */
export class RunningActions {
  readonly #runs = new Map<string, Entry>()

  has(action: Named): boolean {
    return this.#runs.has(nameOf(action))
  }

  /**
   * Registers an action before the ledger says that it runs: any reader of the ledger may cancel
   * it.
   *
   * @param write the step in the ledger
   * @param isRunning whether the written row is running; otherwise the registration is dropped
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

  /** The abort signal of a registered action. */
  signalOf(action: Named): AbortSignal {
    const run = this.#runs.get(nameOf(action))
    if (run === undefined) throw new TypeError(`${nameOf(action)} was not registered`)
    return run.ending.signal
  }

  /** Aborts a run. Returns whether one exists. */
  end(action: Named, reason: Error): boolean {
    const run = this.#runs.get(nameOf(action))
    run?.ending.abort(reason)
    return run !== undefined
  }

  endAll(reason: Error): void {
    for (const run of this.#runs.values()) run.ending.abort(reason)
  }

  /** Drops one registration. */
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
