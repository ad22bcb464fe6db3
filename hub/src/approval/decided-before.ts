import { CentralPostError, isoOf } from '@centralpost/shared'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Execution } from '../history/store/execution.ts'

/** The error for a late decision: the earlier decision, its operator and time. */
export async function decidedBefore(
  ledger: Pick<Ledger, 'get'>,
  executionId: number,
): Promise<CentralPostError> {
  const row = await ledger.get(executionId)
  if (row.status === 'pending') {
    return new CentralPostError(
      'conflict',
      `${row.action_id} has changed since it was shown and waits again; look at it again`,
    )
  }
  const when = row.approval_timestamp ?? row.finished_at ?? row.execution_timestamp
  return new CentralPostError('conflict', `${row.action_id} ${whatBecameOf(row)}`, {
    details: {
      action_id: row.action_id,
      agent_id: row.agent_id,
      state: row.status,
      decided_by: row.decided_by,
      decided_at: when === null ? null : isoOf(when),
    },
  })
}

/** The earlier decision on an action, its operator and time, in words. */
function whatBecameOf(row: Execution): string {
  const by = row.decided_by ?? 'nobody'
  if (row.status === 'denied') return `was denied by ${by}${atTime(row.finished_at)}`
  if (row.status === 'cancelled') return `was cancelled by ${by}${atTime(row.finished_at)}`
  const approved =
    row.approved_by === null || row.approval_timestamp === null
      ? ''
      : `was approved by ${row.approved_by}${atTime(row.approval_timestamp)} and `
  return `${approved}is ${row.status} already${atTime(row.finished_at)}`
}

function atTime(time: number | null): string {
  return time === null ? '' : ` at ${isoOf(time)}`
}
