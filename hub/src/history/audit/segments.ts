import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CentralPostError, type Segment, isoOf } from '@centralpost/shared'
import type { Database } from '../store/dialect/dialect.ts'
import type { GroupCommit } from './group-commit.ts'
import type { AuditSegment } from '../store/schema.ts'
import { asciiJson, genesis, hashOfEvent } from './audit-hash.ts'

export type WrittenSegment = Omit<AuditSegment, 'segment_id' | 'sealed_at' | 'sealed_by'>

const eventsAtOnce = 1000
const deletedAtOnce = 500

/**
 * Writes the events before a time to a file, one JSON object per line, after checking their chain.
 *
 * @param before milliseconds since 1970
 * @returns the file's content and hash
 * @throws {CentralPostError} `invalid_request` when there is nothing to seal, `storage` when the
 *   chain is broken there
 */
export async function writeSegment(
  db: Database,
  dataDir: string,
  before: number,
): Promise<WrittenSegment> {
  const earlier = await db
    .selectFrom('audit_segments')
    .select(['last_seq', 'last_hash'])
    .orderBy('last_seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const first = (earlier?.last_seq ?? 0) + 1
  const end = await db
    .selectFrom('audit_events')
    .select((get) => get.fn.min<number | null>('seq').as('seq'))
    .where('timestamp', '>=', before)
    .executeTakeFirst()
  const limit = end?.seq ?? Number.MAX_SAFE_INTEGER
  const folder = join(dataDir, 'segments')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const name = `audit-from-${first}.jsonl`
  await using file = await open(join(folder, name), 'w', 0o600)
  const sum = createHash('sha256')
  let previous = earlier?.last_hash ?? genesis
  let seq = first - 1
  let firstAt: number | undefined
  let lastAt = 0
  for (;;) {
    const rows = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '>', seq)
      .where('seq', '<', limit)
      .orderBy('seq')
      .limit(eventsAtOnce)
      .execute()
    if (rows.length === 0) break
    let text = ''
    for (const row of rows) {
      if (row.seq !== seq + 1 || row.prev_hash !== previous || row.hash !== hashOfEvent(row)) {
        throw new CentralPostError('storage', `the audit chain is broken at event ${seq + 1}`)
      }
      text += `${JSON.stringify(row)}\n`
      seq = row.seq
      previous = row.hash
      firstAt ??= row.timestamp
      lastAt = row.timestamp
    }
    sum.update(text)
    await file.appendFile(text)
  }
  await file.sync()
  if (firstAt === undefined) {
    throw new CentralPostError('invalid_request', `no event is older than ${isoOf(before)}`)
  }
  return {
    first_seq: first,
    last_seq: seq,
    first_at: firstAt,
    last_at: lastAt,
    last_hash: previous,
    sha256: sum.digest('hex'),
    file: join('segments', name),
  }
}

/**
 * Records a written segment in the chain, then deletes its events. The next call finishes an
 * interrupted one.
 */
export async function sealSegment(
  commits: GroupCommit,
  written: WrittenSegment,
  by: string,
): Promise<void> {
  const at = Date.now()
  await commits.write(async ({ tx, tell }) => {
    const last = await tx
      .selectFrom('audit_segments')
      .select((get) => get.fn.max<number | null>('segment_id').as('id'))
      .executeTakeFirst()
    const segment = { ...written, segment_id: (last?.id ?? 0) + 1, sealed_at: at, sealed_by: by }
    await tx.insertInto('audit_segments').values(segment).execute()
    const { segment_id, first_seq, last_seq, last_hash, sha256, file } = segment
    tell({
      timestamp: at,
      executionId: null,
      agentId: '',
      actionId: '',
      kind: 'segment_sealed',
      data: asciiJson({ by, segment_id, first_seq, last_seq, last_hash, sha256, file }),
    })
  })
  await putAway(commits)
}

/** Deletes events of sealed segments, a few at a time, so that nothing else waits long. */
export async function putAway(commits: GroupCommit): Promise<void> {
  for (;;) {
    const removed = await commits.write(async ({ tx }) => {
      const newest = await tx
        .selectFrom('audit_segments')
        .select((get) => get.fn.max<number | null>('last_seq').as('seq'))
        .executeTakeFirst()
      const last = newest?.seq ?? 0
      const rows = await tx
        .selectFrom('audit_events')
        .select('seq')
        .where('seq', '<=', last)
        .orderBy('seq')
        .limit(deletedAtOnce)
        .execute()
      const until = rows.at(-1)?.seq
      if (until === undefined) return 0
      await tx.deleteFrom('audit_events').where('seq', '<=', until).execute()
      return rows.length
    })
    if (removed === 0) return
  }
}

export function toSegment(row: AuditSegment): Segment {
  return {
    segment_id: row.segment_id,
    first_seq: row.first_seq,
    last_seq: row.last_seq,
    events: row.last_seq - row.first_seq + 1,
    first_at: isoOf(row.first_at),
    last_at: isoOf(row.last_at),
    sha256: row.sha256,
    file: row.file,
    sealed_at: isoOf(row.sealed_at),
    sealed_by: row.sealed_by,
  }
}
