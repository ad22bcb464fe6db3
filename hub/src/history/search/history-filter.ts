import type { ActionState, TrustLevel } from '@centralpost/shared'
import { sql } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import { normalise } from '../command-form.ts'

/** Selects executions; of a list, one item must match. Times are milliseconds since 1970. */
export interface ExecutionFilter {
  readonly query?: string | undefined
  readonly agentId?: string | undefined
  readonly workflowId?: string | undefined
  readonly levels?: readonly TrustLevel[] | undefined
  readonly statuses?: readonly ActionState[] | undefined
  readonly actionId?: string | undefined
  /** the same normalised command */
  readonly command?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
}

/** The indexed executions that match a filter, except for words. */
export function filtered(db: Database, filter: ExecutionFilter) {
  const { agentId, workflowId, levels, statuses, actionId, command, since, until } = filter
  return db
    .selectFrom('execution_index as i')
    .$if(agentId !== undefined, (query) => query.where('i.agent_id', '=', agentId ?? ''))
    .$if(workflowId !== undefined, (query) => query.where('i.workflow_id', '=', workflowId ?? ''))
    .$if(levels !== undefined, (query) => query.where('i.trust_level', 'in', [...(levels ?? [])]))
    .$if(statuses !== undefined, (query) => query.where('i.status', 'in', [...(statuses ?? [])]))
    .$if(since !== undefined, (query) => query.where('i.timestamp', '>=', since ?? 0))
    .$if(until !== undefined, (query) => query.where('i.timestamp', '<', until ?? 0))
    .$if(actionId !== undefined, (query) =>
      query.where(
        sql<boolean>`i.execution_id in (select execution_id from command_executions where action_id = ${actionId})`,
      ),
    )
    .$if(command !== undefined, (query) =>
      query.where(
        sql<boolean>`i.form_id in (select form_id from command_forms where form = ${normalise(command ?? '').form})`,
      ),
    )
}
