import type { ActionResult } from '@centralpost/shared'
import type { ActionParts } from './action-parts.ts'
import type { Execution } from '../history/store/execution.ts'
import type { Judged } from './first-record.ts'

/** The earlier execution whose result answers a request with reuse_result, if one fits. */
export async function earlierResult(
  { action, digest, verdict }: Judged,
  { ledger, now }: Pick<ActionParts, 'ledger' | 'now'>,
): Promise<{ readonly row: Execution; readonly result: ActionResult } | null> {
  if (!action.reuseResult || action.workflowId === null || verdict.level !== 'SAFE') return null
  if (action.expiresAt !== null && action.expiresAt <= now()) return null
  const { agentId, workflowId } = action
  const row = await ledger.reusable({ agentId, workflowId, digest })
  const result = row ? await ledger.result(row.execution_id) : null
  return row && result ? { row, result } : null
}
