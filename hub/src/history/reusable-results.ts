import type { CommandExecution } from './schema.ts'

/** What makes two actions the same to `reuse_result`. */
export interface ReuseKey {
  readonly agentId: string
  readonly workflowId: string
  readonly digest: string
}

const mostKept = 10_000

/**
 * Which executions have a result that may stand for that of an equal action: the latest, in mind only. A hub that was
 * started anew knows of none, so what is asked for then is run once more. An index of them would cost every action
 * that is recorded a twentieth more.
 */
export class ReusableResults {
  readonly #newest = new Map<string, number>()

  /** Notes an execution that has just ended, if its result may be reused. */
  note(row: CommandExecution): void {
    const { agent_id: agentId, workflow_id: workflowId, digest } = row
    if (row.status !== 'completed' || row.trust_level !== 'SAFE' || row.reused_from !== null) return
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
