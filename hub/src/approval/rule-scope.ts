import type { AlwaysScope } from '@centralpost/shared'
import type { Execution } from '../history/store/execution.ts'

/** The default scope of an always rule. */
export function defaultScope(row: Pick<Execution, 'workflow_id'>): AlwaysScope {
  return row.workflow_id === null ? 'agent' : 'workflow'
}

/** A rule's scope in words. */
export function holderOf(
  scope: AlwaysScope,
  row: Pick<Execution, 'agent_id' | 'workflow_id'>,
): string {
  if (scope === 'everything') return 'every agent'
  return scope === 'agent'
    ? `agent ${row.agent_id}`
    : `agent ${row.agent_id} in workflow ${JSON.stringify(row.workflow_id)}`
}
