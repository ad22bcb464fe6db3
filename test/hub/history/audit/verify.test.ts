import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { putAway, sealSegment, writeSegment } from '#hub/history/audit/segments.ts'
import { verifyAudit } from '#hub/history/audit/verify.ts'
import { openStore } from '#hub/history/store/database.ts'
import { backends, type HistoryFixture, HistoryPlace } from '../../../support/history-fixture.ts'

async function filled(place: HistoryPlace, count: number): Promise<HistoryFixture> {
  const it = await place.make()
  for (let n = 0; n < count; n += 1) {
    await it.record({ command: `echo "${n} ünïcödé \u{1F600}"`, timestamp: 1_000_000 + n }, [
      { kind: 'requested', data: { command: `echo ${n}` } },
      { kind: 'classified', data: { reasons: ['därum', n] } },
      { kind: 'finished', data: { status: 'completed' } },
    ])
  }
  return it
}

describe.each(backends)('the audit chain on $title', ({ backend }) => {
  let place: HistoryPlace
  beforeAll(async () => {
    place = await HistoryPlace.open(backend)
  }, 60_000)
  afterAll(() => place?.[Symbol.asyncDispose]())

  test('a checkpoint taken earlier shows a tail that was cut off, and a chain that was made anew', async () => {
    await using it = await filled(place, 5)
    const { headSeq: seq, head } = await verifyAudit(it.store)
    const checkpoint = { seq, hash: head ?? '' }
    await it.record({ command: 'echo later' })
    expect(await verifyAudit(it.store, [checkpoint])).toMatchObject({ intact: true })
    expect(await verifyAudit(it.store, [{ seq: 3, hash: 'f'.repeat(64) }])).toMatchObject({
      intact: false,
      firstBad: 3,
    })
    expect(await verifyAudit(it.store, [{ seq: seq + 10, hash: 'f'.repeat(64) }])).toMatchObject({
      intact: false,
      problem: expect.stringContaining('missing'),
    })
  })

  test('a terminal record that is changed behind the chain is found', async () => {
    await using it = await filled(place, 4)
    const { sql } = await import('kysely')
    const on = backend === 'postgres' ? sql` on command_executions` : sql``
    await sql`drop trigger command_executions_final${on}`.execute(it.store.db)
    await sql`update command_executions set approved_by = 'alice' where execution_id = 3`.execute(
      it.store.db,
    )
    expect(await verifyAudit(it.store)).toMatchObject({ intact: false, firstBad: 9 })
  })

  test('a terminal record that is put in the place of another is found', async () => {
    if (backend === 'postgres') return
    await using it = await filled(place, 4)
    const { sql } = await import('kysely')
    // SQLite deletes for it without asking the trigger
    await sql`replace into command_executions (execution_id, action_id, agent_id, command, command_hash, request_hash,
      env, timeout_ms, stream_output, status, hub_id, timestamp)
      values (3, 'other', 'agent-a', 'true', 'h', 'r', '{}', 1, 1, 'completed', 'hub', 1)`.execute(
      it.store.db,
    )
    expect(await verifyAudit(it.store)).toMatchObject({ intact: false, firstBad: 9 })
  })

  test('old events are put away in a sealed file; what is left is still one chain with it', async () => {
    await using it = await filled(place, 10)
    const written = await writeSegment(it.store.db, it.dir.path, 1_000_005)
    await sealSegment(it.commits, written, 'alice')
    const lines = (await readFile(join(it.dir.path, written.file), 'utf8')).trim().split('\n')
    expect(lines).toHaveLength(15)
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, firstKept: 16, events: 16 })
    await it.record({ command: 'echo on' })
    const next = await writeSegment(it.store.db, it.dir.path, 1_000_008)
    expect(next.first_seq).toBe(16)
    await sealSegment(it.commits, next, 'alice')
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, firstKept: 25 })
    await expect(writeSegment(it.store.db, it.dir.path, 1_000_008)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    // an event that no segment holds cannot be removed, and a made-up segment is found
    const { sql } = await import('kysely')
    await expect(sql`delete from audit_events where seq = 26`.execute(it.store.db)).rejects.toThrow(
      /append-only/,
    )
    await sql`insert into audit_segments values (9, 25, 27, 0, 0, ${'0'.repeat(64)}, 'x', 'y', 0, 'eve')`.execute(
      it.store.db,
    )
    await putAway(it.commits)
    expect(await verifyAudit(it.store)).toMatchObject({ intact: false })
  })
})

describe('the audit chain in the raw file', () => {
  test('any byte of any row that is flipped is found', async () => {
    await using place = await HistoryPlace.open('sqlite')
    await using it = await filled(place, 12)
    await it.close()
    const path = join(it.dir.path, 'hub.db')
    const db = new SqliteDatabase(path)
    for (const { name } of db
      .prepare<[], { name: string }>(`select name from sqlite_master where type = 'trigger'`)
      .all()) {
      db.exec(`drop trigger ${name}`)
    }
    db.pragma('wal_checkpoint(truncate)')
    db.pragma('journal_mode = delete')
    const pages = db.prepare<[], { pageno: number }>(
      `select pageno from dbstat where name = 'audit_events' and pagetype = 'leaf'`,
    )
    let leaves: number[]
    try {
      leaves = pages.all().map((row) => row.pageno)
    } catch {
      leaves = []
    }
    db.close()
    const clean = readFileSync(path)
    const cells = leaves.length > 0 ? cellsOn(clean, leaves) : cellsHolding(clean)
    expect(cells.length).toBe(36)
    const location = { backend: 'sqlite' as const, dataDir: it.dir.path }
    const unseen: number[] = []
    let flips = 0
    // every byte of some rows, a spread over all the others
    for (const [index, { from, to }] of cells.entries()) {
      const step = index % 12 === 0 ? 1 : 13
      for (let at = from + (index % step); at < to; at += step) {
        const bytes = Buffer.from(clean)
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
        writeFileSync(path, bytes)
        await rm(`${path}-wal`, { force: true })
        await rm(`${path}-shm`, { force: true })
        flips += 1
        if (await isFound(location)) continue
        unseen.push(at)
      }
    }
    expect(statSync(path).size).toBe(clean.length)
    expect(flips).toBeGreaterThan(1000)
    expect(unseen).toEqual([])
  }, 240_000)
})

async function isFound(location: { backend: 'sqlite'; dataDir: string }): Promise<boolean> {
  try {
    const store = await openStore(location, 'ledger')
    try {
      return !(await verifyAudit(store)).intact
    } finally {
      await store.close()
    }
  } catch {
    // a file that cannot even be opened was not tampered with unseen
    return true
  }
}

/** Where the rows of the table are: from its leaf pages' own lists of cells. */
function cellsOn(file: Buffer, leaves: readonly number[]): { from: number; to: number }[] {
  const size = file.readUInt16BE(16)
  return leaves.flatMap((page) => {
    const begin = (page - 1) * size
    const count = file.readUInt16BE(begin + 3)
    return Array.from({ length: count }, (_none, index) => {
      const from = begin + file.readUInt16BE(begin + 8 + index * 2)
      // the length of the record, then its rowid, as varints; the record itself
      const [length, first] = varint(file, from)
      const [, second] = varint(file, from + first)
      return { from, to: from + first + second + length }
    })
  })
}

function varint(file: Buffer, at: number): [number, number] {
  let value = 0
  for (let bytes = 1; bytes <= 9; bytes += 1) {
    const byte = file[at + bytes - 1] ?? 0
    value = value * 128 + (byte & 127)
    if (byte < 128) return [value, bytes]
  }
  return [value, 9]
}

/** Without SQLite's own page statistics: table leaf pages whose rows look like events. */
function cellsHolding(file: Buffer): { from: number; to: number }[] {
  const size = file.readUInt16BE(16)
  const leaves: number[] = []
  for (let page = 2; page <= file.length / size; page += 1) {
    const begin = (page - 1) * size
    const text = file.subarray(begin, begin + size).toString('latin1')
    if (file[begin] === 13 && /agent-aaction-\d+(requested|classified|finished)/.test(text)) {
      leaves.push(page)
    }
  }
  return cellsOn(file, leaves)
}
