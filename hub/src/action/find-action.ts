import { CentralPostError } from '@centralpost/shared'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Execution } from '../history/store/execution.ts'

/** Identifies an action: `agentId` is optional while only one agent has used the id. */
export interface ActionName {
  readonly actionId: string
  readonly agentId?: string | undefined
}

/**
 * Finds an action.
 *
 * @throws {CentralPostError} `not_found`; `conflict` when several agents have used the id
 */
export async function findAction(
  ledger: Ledger,
  { actionId, agentId }: ActionName,
): Promise<Execution> {
  const mine = agentId === undefined ? undefined : await ledger.find(agentId, actionId)
  const found = agentId === undefined ? await ledger.findAll(actionId) : mine ? [mine] : []
  const [only] = found
  if (only === undefined) {
    throw new CentralPostError(
      'not_found',
      `no action ${actionId}${agentId ? ` of ${agentId}` : ''}`,
    )
  }
  if (found.length === 1) return only
  const agents = found.map((row) => row.agent_id).join(', ')
  throw new CentralPostError(
    'conflict',
    `several agents have an action ${actionId} (${agents}): name the agent`,
  )
}
