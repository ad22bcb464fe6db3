import { type CommandStatistics, isoOf, isoOrNull } from '@centralpost/shared'
import { sql } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import type { CommandTotalTable } from '../store/schema.ts'
import { inSeconds } from '../search/entries.ts'
import { normalise } from '../command-form.ts'

/** Totals of one command, or of everything. Durations in milliseconds. */
export interface CommandStats {
  readonly totalExecutions: number
  readonly successful: number
  readonly failed: number
  readonly avgDuration: number | null
  readonly minDuration: number | null
  readonly maxDuration: number | null
  readonly lastExecution: number | null
  readonly byStatus: Readonly<Record<string, number>>
  readonly byLevel: Readonly<Record<string, number>>
}

/** Counts all statuses with these names, including unfinished actions. */
export async function statsOf(
  db: Database,
  scope: CommandTotalTable['scope'],
  names: readonly string[],
): Promise<CommandStats> {
  const ended = await db
    .selectFrom('command_totals')
    .selectAll()
    .where('scope', '=', scope)
    .where('name', 'in', names)
    .execute()
  const active = await activeOf(db, scope, names)
  const timed = sum(ended.map((row) => row.timed))
  const successful = sum(ended.map((row) => row.successful))
  const counts = [...ended, ...active]
  return {
    totalExecutions: sum(counts.map((row) => row.n)),
    successful,
    failed: timed - successful,
    avgDuration: timed === 0 ? null : sum(ended.map((row) => row.total_duration)) / timed,
    minDuration: least(ended.map((row) => row.min_duration)),
    maxDuration: most(ended.map((row) => row.max_duration)),
    lastExecution: most(ended.map((row) => row.last_execution)),
    byStatus: counted(counts.map((row) => [row.status, row.n])),
    byLevel: counted(counts.map((row) => [row.trust_level ?? 'none', row.n])),
  }
}

/** Unfinished actions are not in the totals; they are always few. */
function activeOf(db: Database, scope: CommandTotalTable['scope'], names: readonly string[]) {
  return db
    .selectFrom('command_executions as e')
    .select(['e.status', 'e.trust_level'])
    .select((get) => get.fn.countAll<number>().as('n'))
    .where(sql<boolean>`(e.status = 'pending' or e.status = 'queued' or e.status = 'running')`)
    .$if(scope === 'exact', (query) => query.where('e.command_hash', 'in', names))
    .$if(scope === 'form', (query) =>
      query.where(
        // starts from the few active ones: a normalised command may have hundreds of thousands
        sql<boolean>`exists (select 1 from execution_index i
          where i.execution_id = e.execution_id and i.form_id in (${sql.join(names.map(Number))}))`,
      ),
    )
    .groupBy(['e.status', 'e.trust_level'])
    .execute()
}

/** Statistics in wire form: of the exact command, and of all with the same normalised form. */
export async function commandStatistics(
  db: Database,
  command: string | undefined,
  hashes: readonly string[],
): Promise<CommandStatistics> {
  const stats = await statsOf(
    db,
    command === undefined ? 'all' : 'exact',
    command === undefined ? [''] : hashes,
  )
  const executed = stats.successful + stats.failed
  return {
    command: command ?? null,
    normalised: command === undefined ? null : normalise(command).form,
    total_executions: stats.totalExecutions,
    successful: stats.successful,
    failed: stats.failed,
    success_rate: executed === 0 ? null : stats.successful / executed,
    avg_duration: inSeconds(stats.avgDuration),
    min_duration: inSeconds(stats.minDuration),
    max_duration: inSeconds(stats.maxDuration),
    last_execution: isoOrNull(stats.lastExecution),
    by_status: { ...stats.byStatus },
    by_level: { ...stats.byLevel },
    similar: command === undefined ? null : await similarTo(db, command),
  }
}

async function similarTo(
  db: Database,
  command: string,
): Promise<NonNullable<CommandStatistics['similar']>> {
  const form = await db
    .selectFrom('command_forms')
    .select('form_id')
    .where('form', '=', normalise(command).form)
    .executeTakeFirst()
  const formId = form?.form_id ?? -1
  const stats = await statsOf(db, 'form', [String(formId)])
  const recent = await db
    .selectFrom('execution_index as i')
    .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
    .select([
      'e.execution_id',
      'e.action_id',
      'e.agent_id',
      'e.workflow_id',
      'e.command',
      'e.status',
      'e.approved_by',
      'e.exit_code',
      'e.duration',
      'e.error_category',
      'e.timestamp',
    ])
    .where('i.form_id', '=', formId)
    .orderBy('i.execution_id', 'desc')
    .limit(10)
    .execute()
  const executed = stats.successful + stats.failed
  return {
    total_executions: stats.totalExecutions,
    successful: stats.successful,
    failed: stats.failed,
    denied: stats.byStatus['denied'] ?? 0,
    success_rate: executed === 0 ? null : stats.successful / executed,
    avg_duration: inSeconds(stats.avgDuration),
    last_execution: isoOrNull(stats.lastExecution),
    recent: recent.map(({ timestamp, duration, ...row }) => ({
      ...row,
      duration: inSeconds(duration),
      requested_at: isoOf(timestamp),
    })),
  }
}

export function counted(pairs: readonly (readonly [string, number])[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, n] of pairs) counts[name] = (counts[name] ?? 0) + n
  return counts
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null)
}

function least(values: readonly (number | null)[]): number | null {
  const there = present(values)
  return there.length === 0 ? null : Math.min(...there)
}

function most(values: readonly (number | null)[]): number | null {
  const there = present(values)
  return there.length === 0 ? null : Math.max(...there)
}
