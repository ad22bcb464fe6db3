import { type CommandPatternStats, isoOf } from '@centralpost/shared'
import { sql } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import { inSeconds } from '../search/entries.ts'
import { filtered } from '../search/history-filter.ts'

export interface CommandPatternQuery {
  /** minimum number of executions (of successes) or failures */
  readonly least: number
  readonly limit: number
  readonly workflowId?: string | undefined
  readonly since?: number | undefined
}

interface Grouped {
  readonly form_id: number
  readonly form: string
  readonly example: string
  readonly uses: number
  readonly successful: number
  readonly total: number
  readonly last: number
}

/** Normalised commands that succeed: run often enough, most successful first. */
export async function successPatterns(
  db: Database,
  asked: CommandPatternQuery,
): Promise<CommandPatternStats[]> {
  const groups = await grouped(db, asked)
  return groups
    .filter((group) => group.uses >= asked.least && group.successful > 0)
    .toSorted((a, b) => b.successful / b.uses - a.successful / a.uses || b.uses - a.uses)
    .slice(0, asked.limit)
    .map((group) => statsOf(group))
}

/** Normalised commands that fail, most failures first, with the failures and their remedies. */
export async function failurePatterns(
  db: Database,
  asked: CommandPatternQuery,
): Promise<CommandPatternStats[]> {
  const groups = (await grouped(db, asked))
    .filter((group) => group.uses - group.successful >= asked.least)
    .toSorted((a, b) => b.uses - b.successful - (a.uses - a.successful))
    .slice(0, asked.limit)
  return Promise.all(
    groups.map(async (group) => {
      const last = await db
        .selectFrom('execution_index as i')
        .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
        .select(['e.stderr_preview', 'e.error_category', 'e.command'])
        .where('i.form_id', '=', group.form_id)
        .where('i.success', '=', 0)
        .where('i.duration', 'is not', null)
        .orderBy('i.execution_id', 'desc')
        .limit(1)
        .executeTakeFirst()
      const kinds = await filtered(db, asked)
        .select('i.error_category')
        .select((get) => get.fn.countAll<number>().as('n'))
        .where('i.form_id', '=', group.form_id)
        .where('i.error_category', 'is not', null)
        .groupBy('i.error_category')
        .orderBy('n', 'desc')
        .limit(1)
        .executeTakeFirst()
      const fixes = await db
        .selectFrom('failure_fixes')
        .select('fix')
        .select((get) => get.fn.sum<number>('times').as('times'))
        .where('form_id', '=', group.form_id)
        .groupBy('fix')
        .orderBy('times', 'desc')
        .limit(5)
        .execute()
      return {
        ...statsOf(group),
        example: last?.command ?? group.example,
        error_category: kinds?.error_category ?? null,
        last_error: last?.stderr_preview?.slice(0, 300) ?? null,
        fixed_by: fixes.map((row) => ({
          command: (JSON.parse(row.fix) as string[]).join(' && '),
          times: row.times,
        })),
      }
    }),
  )
}

function grouped(db: Database, asked: CommandPatternQuery): Promise<Grouped[]> {
  if (asked.workflowId === undefined && asked.since === undefined) return fromTotals(db)
  return filtered(db, asked)
    .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
    .select(['f.form_id', 'f.form', 'f.example'])
    .select((get) => [
      get.fn.countAll<number>().as('uses'),
      sql<number>`coalesce(sum(i.success), 0)`.as('successful'),
      sql<number>`coalesce(sum(i.duration), 0)`.as('total'),
      get.fn.max<number>('i.timestamp').as('last'),
    ])
    .where('i.duration', 'is not', null)
    .groupBy(['f.form_id', 'f.form', 'f.example'])
    .execute()
}

/** Overall, from the running totals. */
function fromTotals(db: Database): Promise<Grouped[]> {
  return db
    .selectFrom('command_totals as t')
    .innerJoin('command_forms as f', (join) =>
      join.on(sql<boolean>`cast(f.form_id as text) = t.name`),
    )
    .select(['f.form_id', 'f.form', 'f.example'])
    .select((get) => [
      get.fn.sum<number>('t.timed').as('uses'),
      get.fn.sum<number>('t.successful').as('successful'),
      get.fn.sum<number>('t.total_duration').as('total'),
      sql<number>`coalesce(max(t.last_execution), 0)`.as('last'),
    ])
    .where('t.scope', '=', 'form')
    .where('t.timed', '>', 0)
    .groupBy(['f.form_id', 'f.form', 'f.example'])
    .execute()
}

function statsOf(group: Grouped): CommandPatternStats {
  return {
    command: group.form,
    example: group.example,
    uses: group.uses,
    successful: group.successful,
    failed: group.uses - group.successful,
    success_rate: group.successful / group.uses,
    avg_duration: inSeconds(group.total / group.uses),
    last_execution: isoOf(group.last),
    error_category: null,
    last_error: null,
    fixed_by: [],
  }
}
