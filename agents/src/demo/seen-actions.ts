import type { ActionResult, ActionStart, ApprovalNeeded } from '@centralpost/shared'
import type { TailedEvent } from '../operator/tail.ts'

/** The messages seen for one action. */
export interface SeenAction {
  readonly agentId: string
  readonly actionId: string
  readonly results: ActionResult[]
  start?: ActionStart
  approvalNeeded?: ApprovalNeeded
}

/** Everything seen of the demo's workflow, by action. */
export class SeenActions {
  readonly actions = new Map<string, SeenAction>()
  readonly #workflowId: string

  constructor(workflowId: string) {
    this.#workflowId = workflowId
  }

  /**
   * Takes an event of any workflow; returns whether it belongs to this one and is worth showing.
   */
  take(event: TailedEvent): boolean {
    switch (event.kind) {
      case 'request':
        return this.#isOurs(event.raw)
      case 'approval_needed':
        if (!this.#isOurs(event.raw)) return false
        this.#of(event).approvalNeeded = event.message
        return true
      case 'start':
        if (!this.#isOurs(event.raw)) return false
        this.#of(event).start = event.message
        return true
      case 'denied':
        return this.#isOurs(event.raw)
      case 'result':
        if (!this.#isOurs(event.raw)) return false
        this.#of(event).results.push(event.message)
        return true
      case 'approved':
      case 'output':
      case 'rule':
      case 'other':
        return false
    }
  }

  #isOurs(raw: unknown): boolean {
    return (
      typeof raw === 'object' &&
      raw !== null &&
      'workflow_id' in raw &&
      raw.workflow_id === this.#workflowId
    )
  }

  #of({ agentId, actionId }: TailedEvent): SeenAction {
    const key = `${agentId}.${actionId}`
    const known = this.actions.get(key)
    if (known) return known
    const seen = { agentId, actionId, results: [] }
    this.actions.set(key, seen)
    return seen
  }
}
