import type { AlwaysScope } from '@centralpost/shared'
import type { CommandExecution } from '../history/store/schema.ts'

/** Where an always rule holds when the operator does not say. */
export function defaultScope(row: Pick<CommandExecution, 'workflow_id'>): AlwaysScope {
  return row.workflow_id === null ? 'agent' : 'workflow'
}

/** For whom a rule of this scope holds, in words. */
export function holderOf(
  scope: AlwaysScope,
  row: Pick<CommandExecution, 'agent_id' | 'workflow_id'>,
): string {
  if (scope === 'everything') return 'every agent'
  return scope === 'agent'
    ? `agent ${row.agent_id}`
    : `agent ${row.agent_id} in workflow ${JSON.stringify(row.workflow_id)}`
}
