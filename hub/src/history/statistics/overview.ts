import { type Durations, type Overview, isoOf } from '@centralpost/shared'
import { sql } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import { inSeconds } from '../search/entries.ts'
import { filtered } from '../search/history-filter.ts'
import { counted } from './statistics.ts'

export interface OverviewQuery {
  readonly since: number
  readonly until: number
  readonly buckets: number
  readonly top: number
  readonly agentId?: string | undefined
  readonly workflowId?: string | undefined
}

/** A summary of a time range, for one screen. */
export async function overviewOf(db: Database, asked: OverviewQuery): Promise<Overview> {
  const { since, until, top } = asked
  const width = Math.max(1, Math.ceil((until - since) / asked.buckets))
  const within = () => filtered(db, asked)
  const counts = await within()
    .select(['i.status', 'i.trust_level'])
    // integers on both databases
    .select(sql<number>`cast((i.timestamp - ${since}) / ${sql.lit(width)} as integer)`.as('bucket'))
    .select((get) => get.fn.countAll<number>().as('n'))
    .groupBy(['bucket', 'i.status', 'i.trust_level'])
    .execute()
  const errors = await within()
    .select('i.error_category')
    .select((get) => get.fn.countAll<number>().as('n'))
    .where('i.error_category', 'is not', null)
    .groupBy('i.error_category')
    .execute()
  const programs = await within()
    .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
    .select('f.program')
    .select((get) => [
      get.fn.countAll<number>().as('n'),
      get.fn.sum<number | null>('i.success').as('successful'),
      get.fn.count<number>('i.duration').as('timed'),
      get.fn.avg<number | null>('i.duration').as('mean'),
    ])
    .groupBy('f.program')
    .orderBy('n', 'desc')
    .limit(top)
    .execute()
  const denied = await within()
    .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
    .select('f.form')
    .select((get) => [
      get.fn.countAll<number>().as('n'),
      get.fn.max<number>('i.timestamp').as('last'),
    ])
    .where('i.status', '=', 'denied')
    .groupBy('f.form')
    .orderBy('n', 'desc')
    .limit(top)
    .execute()
  const agents = await within()
    .select('i.agent_id')
    .select((get) => [
      get.fn.countAll<number>().as('n'),
      get.fn.sum<number | null>('i.success').as('successful'),
      get.fn.count<number>('i.duration').as('timed'),
      sql<number>`sum(case when i.status = 'denied' then 1 else 0 end)`.as('denied'),
    ])
    .groupBy('i.agent_id')
    .orderBy('n', 'desc')
    .limit(top)
    .execute()
  const settled = await within()
    .where('i.trust_level', '=', 'REVIEW')
    .select((get) => [
      get.fn.sum<number | null>('i.approver').as('approved'),
      sql<number>`sum(case when i.status = 'denied' then 1 else 0 end)`.as('denied'),
      sql<number>`sum(case when i.status = 'expired' then 1 else 0 end)`.as('expired'),
      sql<number>`sum(case when i.approver = 0 and i.duration is not null then 1 else 0 end)`.as(
        'byRule',
      ),
    ])
    .executeTakeFirst()
  return {
    since: isoOf(since),
    until: isoOf(until),
    total: counts.reduce((total, row) => total + row.n, 0),
    by_status: counted(counts.map((row) => [row.status, row.n])),
    by_level: counted(counts.map((row) => [row.trust_level ?? 'none', row.n])),
    by_error: counted(errors.map((row) => [row.error_category ?? '', row.n])),
    buckets: Array.from({ length: asked.buckets }, (_none, index) => {
      const inside = counts.filter((row) => row.bucket === index)
      return {
        at: isoOf(since + index * width),
        by_status: counted(inside.map((row) => [row.status, row.n])),
        by_level: counted(inside.map((row) => [row.trust_level ?? 'none', row.n])),
      }
    }),
    durations: await durationsOf(db, asked, 'duration'),
    waiting: await durationsOf(db, asked, 'waited'),
    approvals: {
      approved: settled?.approved ?? 0,
      denied: settled?.denied ?? 0,
      expired: settled?.expired ?? 0,
      by_rule: settled?.byRule ?? 0,
    },
    programs: programs.map((row) => ({
      program: row.program,
      executions: row.n,
      successful: row.successful ?? 0,
      failed: row.timed - (row.successful ?? 0),
      success_rate: row.timed === 0 ? null : (row.successful ?? 0) / row.timed,
      avg_duration: inSeconds(row.mean),
    })),
    denied: denied.map((row) => ({ command: row.form, count: row.n, last: isoOf(row.last) })),
    agents: agents.map((row) => ({
      agent_id: row.agent_id,
      executions: row.n,
      successful: row.successful ?? 0,
      failed: row.timed - (row.successful ?? 0),
      denied: row.denied,
    })),
  }
}

async function durationsOf(
  db: Database,
  asked: OverviewQuery,
  column: 'duration' | 'waited',
): Promise<Durations> {
  const rows = await filtered(db, asked)
    .select(`i.${column} as ms`)
    .where(`i.${column}`, 'is not', null)
    .$if(column === 'waited', (query) => query.where('i.approver', '=', 1))
    .orderBy('i.execution_id', 'desc')
    // beyond this, the newest ones suffice
    .limit(100_000)
    .execute()
  const sorted = Float64Array.from(rows, (row) => row.ms ?? 0).toSorted()
  const at = (share: number): number | null =>
    sorted.length === 0
      ? null
      : inSeconds(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)
  return {
    count: sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    max: at(1),
  }
}
