import type { CommandExecution } from '../store/schema.ts'

/** What makes two actions the same to `reuse_result`. */
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
 * Which executions have a result that may stand for that of an equal action: the latest, in mind only. A hub that was
 * started anew knows of none, so what is asked for then is run once more. An index of them would cost every action
 * that is recorded a twentieth more.
 *
 * What ended while a result was made, or since, may have written: it is told by the order in which things happened here,
 * because a clock that was set back says otherwise.
 */
export class ReusableResults {
  readonly #newest = new Map<string, number>()
  /** Of what runs, how many runs that may have written had ended when it began. */
  readonly #begun = new Map<number, number>()
  #writes = 0

  /** Notes that an execution begins to run. Call it before it does. */
  begin(executionId: number): void {
    this.#begun.set(executionId, this.#writes)
  }

  /** Notes an execution that has just ended, if its result may be reused. */
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
    // to the end of those that are kept
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
