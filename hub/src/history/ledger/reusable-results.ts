import type { CommandExecution } from '../store/schema.ts'

/** The key by which `reuse_result` compares actions. */
export interface ReuseKey {
  readonly agentId: string
  readonly workflowId: string
  readonly digest: string
}

type Ended = Pick<
  CommandExecution,
  | 'execution_id'
  | 'agent_id'
  | 'workflow_id'
  | 'digest'
  | 'status'
  | 'trust_level'
  | 'reused_from'
  | 'execution_timestamp'
>

const mostKept = 10_000

/**
 * Tracks executions whose result may stand for an equal action's: the latest, in memory only. A
 * restarted hub has none, so such a request runs once more. An index of them would make every
 * recorded action a twentieth slower.
 *  An action that ended while a result was made, or since, may have written. The order of events
 * here decides that, since a clock may be set back.
 */
export class ReusableResults {
  readonly #newest = new Map<string, number>()
  /** Per running action: the number of possible writers that had ended at its start. */
  readonly #begun = new Map<number, number>()
  #writes = 0

  /** Records the start of an execution. Call it before the start. */
  begin(executionId: number): void {
    this.#begun.set(executionId, this.#writes)
  }

  /** Records an ended execution, if its result may be reused. */
  note(row: Ended): void {
    const { agent_id: agentId, workflow_id: workflowId, digest } = row
    const begun = this.#begun.get(row.execution_id)
    this.#begun.delete(row.execution_id)
    if (row.trust_level !== 'SAFE') {
      if (row.execution_timestamp === null) return
      this.#writes += 1
      this.#newest.clear()
      return
    }
    if (row.status !== 'completed' || row.reused_from !== null || begun !== this.#writes) return
    if (workflowId === null || digest === null) return
    const key = nameOf({ agentId, workflowId, digest })
    // moves it to the end: most recent
    this.#newest.delete(key)
    this.#newest.set(key, row.execution_id)
    if (this.#newest.size <= mostKept) return
    const [oldest] = this.#newest.keys()
    if (oldest !== undefined) this.#newest.delete(oldest)
  }

  /** @returns the execution's number, or undefined */
  find(like: ReuseKey): number | undefined {
    return this.#newest.get(nameOf(like))
  }
}

function nameOf({ agentId, workflowId, digest }: ReuseKey): string {
  return JSON.stringify([agentId, workflowId, digest])
}
