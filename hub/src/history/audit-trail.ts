import { createHash } from 'node:crypto'
import type { Database } from './database.ts'
import type { Tx } from './group-commit.ts'

/** What the audit trail tells of an action. */
export const auditKinds = [
  'requested',
  'pending',
  'voted',
  'approved',
  'denied',
  'queued',
  'started',
  'finished',
  'expired',
  'cancelled',
  'interrupted',
  'rejected',
  'rule_made',
  'rule_revoked',
] as const
export type AuditKind = (typeof auditKinds)[number]

export interface AuditEntry {
  readonly timestamp: number
  readonly executionId: number | null
  readonly agentId: string
  readonly actionId: string
  readonly kind: AuditKind
  readonly data: Readonly<Record<string, unknown>>
}

const genesis = '0'.repeat(64)

/** Adds an event to the chain, inside the transaction of what it tells of. */
export async function appendAudit(tx: Tx, entry: AuditEntry): Promise<void> {
  const last = await tx
    .selectFrom('audit_events')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const row = {
    seq: (last?.seq ?? 0) + 1,
    timestamp: entry.timestamp,
    execution_id: entry.executionId,
    agent_id: entry.agentId,
    action_id: entry.actionId,
    kind: entry.kind,
    data: JSON.stringify(entry.data),
    prev_hash: last?.hash ?? genesis,
  }
  await tx
    .insertInto('audit_events')
    .values({ ...row, hash: hashOf(row) })
    .execute()
}

export interface ChainReport {
  readonly intact: boolean
  readonly events: number
  readonly head: string | null
  readonly firstBad: number | null
  readonly problem: string | null
}

/** Recomputes the chain from the first event on and names the first bad row. */
export async function verifyAudit(db: Database): Promise<ChainReport> {
  let previous = genesis
  let seq = 0
  for (;;) {
    const rows = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(200)
      .execute()
    if (rows.length === 0) break
    // the database answers at once: without this nothing else would run until the end of the chain
    await new Promise(setImmediate)
    for (const row of rows) {
      const problem = faultOf(row, seq + 1, previous)
      if (problem !== null) {
        return { intact: false, events: seq, head: previous, firstBad: row.seq, problem }
      }
      seq = row.seq
      previous = row.hash
    }
  }
  return {
    intact: true,
    events: seq,
    head: seq === 0 ? null : previous,
    firstBad: null,
    problem: null,
  }
}

interface StoredEvent {
  readonly seq: number
  readonly timestamp: number
  readonly execution_id: number | null
  readonly agent_id: string
  readonly action_id: string
  readonly kind: string
  readonly data: string
  readonly prev_hash: string
}

function faultOf(
  row: StoredEvent & { hash: string },
  seq: number,
  previous: string,
): string | null {
  if (row.seq !== seq) return `event ${seq} is missing`
  if (row.prev_hash !== previous) return `event ${seq} does not follow the event before it`
  if (row.hash !== hashOf(row)) return `event ${seq} was changed`
  return null
}

function hashOf(row: StoredEvent): string {
  const fields = [
    row.prev_hash,
    row.seq,
    row.timestamp,
    row.execution_id,
    row.agent_id,
    row.action_id,
    row.kind,
    row.data,
  ]
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex')
}
