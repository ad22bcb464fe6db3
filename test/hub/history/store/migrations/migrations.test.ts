import { createHash } from 'node:crypto'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { verifyAudit } from '#hub/history/audit/verify.ts'
import { up } from '#hub/history/store/migrations/0001-initial.ts'
import { HistoryFixture } from '../../../../support/history-fixture.ts'
import { TempDir } from '../../../../support/temp-dir.ts'

/** A database as the first version of the hub left it. */
async function firstVersion(path: string, rows: number): Promise<void> {
  const file = new SqliteDatabase(path)
  file.pragma('journal_mode = WAL')
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: file }) })
  await up(db, 'sqlite')
  file.exec(`create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null);
    create table kysely_migration_lock (id varchar(255) primary key, is_locked integer default 0 not null);
    insert into kysely_migration values ('0001-initial', '2026-01-01');
    insert into kysely_migration_lock values ('migration_lock', 0)`)
  const execution = file.prepare(
    `insert into command_executions (action_id, agent_id, command, command_hash, request_hash, env, timeout_ms,
      stream_output, status, hub_id, timestamp, success, duration)
     values (?, 'agent-a', ?, ?, 'r', '{}', 1, 1, ?, 'hub', ?, 1, 5)`,
  )
  const event = file.prepare(`insert into audit_events values (?, ?, ?, 'agent-a', ?, ?, ?, ?, ?)`)
  let previous = '0'.repeat(64)
  for (let n = 1; n <= rows; n += 1) {
    execution.run(`a${n}`, `echo old-${n}`, `h${n}`, n === rows ? 'pending' : 'completed', n)
    const data = JSON.stringify({ command: `écho ${n}` })
    const fields = [previous, n, n, n, 'agent-a', `a${n}`, 'requested', data]
    const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    event.run(n, n, n, `a${n}`, 'requested', data, previous, hash)
    previous = hash
  }
  file.exec(`insert into action_results values (5, 'results.a5', 1, '{"stdout":"five"}', null)`)
  await db.destroy()
}

test('a database of the first version is brought up to date: nothing is lost, the chain goes on', async () => {
  await using dir = await TempDir.make()
  await firstVersion(join(dir.path, 'hub.db'), 700)
  const it = await HistoryFixture.open(dir, { backend: 'sqlite', dataDir: dir.path })
  try {
    expect(await it.ledger.inState('pending', 0)).toMatchObject([{ action_id: 'a700', masked: 0 }])
    // what refers to an action still does, and what would refer to none is refused
    expect(await it.ledger.unpublished(9)).toMatchObject([
      { execution_id: 5, subject: 'results.a5' },
    ])
    await expect(
      it.store.db
        .insertInto('sealed_originals')
        .values({ execution_id: 701, original: '' })
        .execute(),
    ).rejects.toThrow('FOREIGN KEY')
    await it.record({ command: 'echo new' })
    // numbers go on where they were
    expect(await it.ledger.findAll('a5')).toMatchObject([
      { execution_id: 5, command: 'echo old-5' },
    ])
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, events: 701 })
    await it.index()
    expect(await it.history.searchCommands('old-123')).toMatchObject([{ action_id: 'a123' }])
    expect(await it.history.getActionDetails('a123')).toMatchObject([
      { events: [{ seq: 123, kind: 'requested' }] },
    ])
    expect(await it.history.getCommandStats()).toMatchObject({
      totalExecutions: 701,
      byStatus: { completed: 700, pending: 1 },
    })
  } finally {
    await it.close()
  }
})
