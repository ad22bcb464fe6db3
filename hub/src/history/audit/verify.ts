import type { Checkpoint } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared'
import type { Database, Store } from '../store/dialect/dialect.ts'
import type { AuditEventTable, CommandExecution } from '../store/schema.ts'
import { genesis, hashOfEvent, hashOfRecord } from './audit-hash.ts'

export interface ChainReport {
  readonly intact: boolean
  readonly events: number
  readonly head: string | null
  readonly headSeq: number
  readonly firstBad: number | null
  readonly problem: string | null
  /** the first event outside the sealed segments */
  readonly firstKept: number | null
}

const eventsAtOnce = 1000

/**
 * Recomputes the chain from the first stored event, compares the records of ended actions with the
 * chain, and the chain with earlier checkpoints. Names the first mismatching event.
 */
export async function verifyAudit(
  { db, dialect }: Store,
  checkpoints: readonly Checkpoint[] = [],
): Promise<ChainReport> {
  const segment = await newestSegment(db)
  let previous = segment?.last_hash ?? genesis
  let seq = segment?.last_seq ?? 0
  const first = seq + 1
  let isSealTold = segment === undefined
  const wanted = new Map(checkpoints.map((one) => [one.seq, one.hash]))
  const report = (firstBad: number | null, problem: string | null): ChainReport => ({
    intact: problem === null,
    events: seq + 1 - first,
    head: seq === 0 ? null : previous,
    headSeq: seq,
    firstBad,
    problem,
    firstKept: seq < first ? null : first,
  })
  for (;;) {
    const page = await pageAfter(db, seq)
    if ('problem' in page) return report(seq + 1, page.problem)
    if (page.rows.length === 0) break
    for (const row of page.rows) {
      const problem = faultOf(row, seq + 1, previous)
      if (problem !== null) return report(seq + 1, problem)
      const expected = wanted.get(row.seq)
      if (expected !== undefined && expected !== row.hash) {
        return report(row.seq, `event ${row.seq} does not match a checkpoint`)
      }
      wanted.delete(row.seq)
      seq = row.seq
      previous = row.hash
      if (segment && row.kind === 'segment_sealed' && tellsOf(row, segment)) isSealTold = true
    }
    const record = await recordFault(db, page.rows)
    if (record !== null) return report(record.seq, record.problem)
    // the worker thread answers other calls in between
    await new Promise(setImmediate)
  }
  if (!isSealTold) {
    return report(first, `the chain has no record of the segment that ends at event ${first - 1}`)
  }
  const missing = [...wanted.keys()].find((at) => at > seq)
  if (missing !== undefined) {
    return report(seq + 1, `events ${seq + 1} to ${missing} are missing: a checkpoint covers them`)
  }
  const structural = await structuralFault(db, dialect)
  return report(structural === null ? null : first, structural)
}

async function newestSegment(db: Database) {
  return db
    .selectFrom('audit_segments')
    .selectAll()
    .orderBy('last_seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}

type Page = { readonly rows: readonly AuditEventTable[] } | { readonly problem: string }

/** Names an unreadable row: reads rows one by one up to it. */
async function pageAfter(db: Database, seq: number, limit = eventsAtOnce): Promise<Page> {
  try {
    const rows = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(limit)
      .execute()
    return { rows }
  } catch (error) {
    if (limit > 1) return pageAfter(db, seq, 1)
    return { problem: `event ${seq + 1} is unreadable: ${messageOf(error)}` }
  }
}

function faultOf(row: AuditEventTable, seq: number, previous: string): string | null {
  if (row.seq !== seq) return `event ${seq} is missing`
  if (row.prev_hash !== previous) return `event ${seq} does not follow the event before it`
  if (row.hash !== hashOfEvent(row)) return `event ${seq} was changed`
  return null
}

function tellsOf(row: AuditEventTable, segment: { sha256: string; last_seq: number }): boolean {
  const data = JSON.parse(row.data) as { sha256?: unknown; last_seq?: unknown }
  return data.sha256 === segment.sha256 && data.last_seq === segment.last_seq
}

/** The row of an ended action must still match its last event. */
async function recordFault(
  db: Database,
  events: readonly AuditEventTable[],
): Promise<{ readonly seq: number; readonly problem: string } | null> {
  const told = events.flatMap((event) => {
    if (event.execution_id === null || !event.data.includes('"record":"')) return []
    const { record } = JSON.parse(event.data) as { record?: unknown }
    return typeof record === 'string' ? [{ seq: event.seq, id: event.execution_id, record }] : []
  })
  if (told.length === 0) return null
  let rows: CommandExecution[]
  try {
    rows = await db
      .selectFrom('command_executions')
      .selectAll()
      .where(
        'execution_id',
        'in',
        told.map((one) => one.id),
      )
      .execute()
  } catch (error) {
    return { seq: told[0]?.seq ?? 0, problem: `an execution is unreadable: ${messageOf(error)}` }
  }
  const hashes = new Map(rows.map((row) => [row.execution_id, hashOfRecord(row)]))
  for (const { seq, id, record } of told) {
    const found = hashes.get(id)
    if (found === undefined)
      return { seq, problem: `execution ${id}, recorded in event ${seq}, is missing` }
    if (found !== record) return { seq, problem: `execution ${id} does not match event ${seq}` }
  }
  return null
}

async function structuralFault(db: Database, dialect: Store['dialect']): Promise<string | null> {
  try {
    const fault = await dialect.structuralFault(db)
    return fault === null ? null : `the table of events is damaged: ${fault}`
  } catch (error) {
    return `the table of events is damaged: ${messageOf(error)}`
  }
}
