import type { AlwaysScope } from '@centralpost/shared'
import type { Execution } from '../history/store/execution.ts'

/** Where an always rule holds when the operator does not say. */
export function defaultScope(row: Pick<Execution, 'workflow_id'>): AlwaysScope {
  return row.workflow_id === null ? 'agent' : 'workflow'
}

/** For whom a rule of this scope holds, in words. */
export function holderOf(
  scope: AlwaysScope,
  row: Pick<Execution, 'agent_id' | 'workflow_id'>,
): string {
  if (scope === 'everything') return 'every agent'
  return scope === 'agent'
    ? `agent ${row.agent_id}`
    : `agent ${row.agent_id} in workflow ${JSON.stringify(row.workflow_id)}`
}
