import { sql } from 'kysely'
import { type violationsReplySchema, isoOf } from '@centralpost/shared'
import type { z } from 'zod'
import type { Database } from '../store/dialect/dialect.ts'
import { filtered } from '../search/history-filter.ts'

type Violation = z.infer<typeof violationsReplySchema>['violations'][number]

export interface ViolationQuery {
  readonly agentId?: string | undefined
  readonly workflowId?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly limit: number
}

/**
 * Python and pip runs outside a virtual environment, most frequent first, except informational
 * calls.
 */
export async function venvViolations(db: Database, asked: ViolationQuery): Promise<Violation[]> {
  const outside = () =>
    // spelled out, so that the partial index applies
    filtered(db, asked).where(sql<boolean>`i.venv_wanted = 1 and i.venv_active = 0`)
  const groups = await outside()
    .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
    .select(['i.form_id', 'f.form'])
    .select((get) => [
      get.fn.countAll<number>().as('n'),
      get.fn.max<number>('i.execution_id').as('last_id'),
    ])
    .groupBy(['i.form_id', 'f.form'])
    .orderBy('n', 'desc')
    .limit(asked.limit)
    .execute()
  return Promise.all(
    groups.map(async (group) => {
      const last = await db
        .selectFrom('command_executions')
        .select(['command', 'timestamp'])
        .where('execution_id', '=', group.last_id)
        .executeTakeFirstOrThrow()
      const agents = await outside()
        .select('i.agent_id')
        .where('i.form_id', '=', group.form_id)
        .groupBy('i.agent_id')
        .limit(20)
        .execute()
      return {
        command: group.form,
        example: last.command,
        count: group.n,
        agents: agents.map((row) => row.agent_id),
        last_execution: isoOf(last.timestamp),
        last_execution_id: group.last_id,
      }
    }),
  )
}
