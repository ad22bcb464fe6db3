import { type ActionDetail, isoOf, isoOrNull } from '@centralpost/shared'
import type { Database } from '../store/dialect/dialect.ts'
import type { AuditEventTable, CommandExecution } from '../store/schema.ts'
import { inSeconds, toEntry } from './entries.ts'
import { normalise } from '../command-form.ts'
import { executionOf } from '../store/execution.ts'

const mostEvents = 500
const mostActions = 20

/** All actions under an id, each with its audit events. */
export async function detailOf(
  db: Database,
  actionId: string,
  agentId: string | undefined,
): Promise<ActionDetail[]> {
  const rows = await db
    .selectFrom('command_executions')
    .selectAll()
    .where('action_id', '=', actionId)
    .$if(agentId !== undefined, (query) => query.where('agent_id', '=', agentId ?? ''))
    .limit(mostActions)
    .execute()
  return Promise.all(
    rows.map(async (row) => {
      const events = await eventsOf(db, row.execution_id)
      return {
        execution: shownOf(row),
        events: events.slice(0, mostEvents).map((event) => ({
          seq: event.seq,
          at: isoOf(event.timestamp),
          kind: event.kind,
          data: JSON.parse(event.data) as Record<string, unknown>,
          hash: event.hash,
        })),
        events_cut: events.length > mostEvents,
      }
    }),
  )
}

/**
 * One more than the display limit, oldest first. Searches the end of the trail for events not yet
 * indexed.
 */
async function eventsOf(db: Database, executionId: number): Promise<AuditEventTable[]> {
  const indexed = await db
    .selectFrom('memory_state')
    .select('value')
    .where('name', '=', 'seq')
    .executeTakeFirst()
  const isOfExecution = db
    .selectFrom('execution_events')
    .select('seq')
    .where('execution_id', '=', executionId)
  const known = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('seq', 'in', isOfExecution)
    .orderBy('seq')
    .limit(mostEvents + 1)
    .execute()
  const rest = await db
    .selectFrom('audit_events')
    .selectAll()
    .where('seq', '>', Math.max(indexed?.value ?? 0, known.at(-1)?.seq ?? 0))
    .where('execution_id', '=', executionId)
    .orderBy('seq')
    .limit(mostEvents + 1)
    .execute()
  return [...known, ...rest]
}

function shownOf(row: CommandExecution): ActionDetail['execution'] {
  const { argv, env } = executionOf(row)
  return {
    ...toEntry(row),
    argv: argv && [...argv],
    env,
    timeout: inSeconds(row.timeout_ms) ?? 0,
    hub_id: row.hub_id,
    decided_by: row.decided_by,
    approved_at: isoOrNull(row.approval_timestamp),
    started_at: isoOrNull(row.execution_timestamp),
    venv_active: row.venv_active === null ? null : row.venv_active === 1,
    output_size: row.output_size,
    output_ref: row.output_ref,
    reused_from: row.reused_from,
    masked: row.masked === 1,
    normalised: row.command === '' ? null : normalise(row.command).form,
  }
}
