import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { lockDataDirectory, openStore } from '#hub/history/store/database.ts'
import { TempDir } from '../../../support/temp-dir.ts'

const open = (dataDir: string) => openStore({ backend: 'sqlite', dataDir }, 'ledger')

describe('opening the database', () => {
  test('a new one gets its tables; opened again it keeps them', async () => {
    await using dir = await TempDir.make()
    const path = join(dir.path, 'deep')
    await (await open(path)).close()
    const again = await open(path)
    expect(await again.db.selectFrom('command_executions').selectAll().execute()).toEqual([])
    await again.close()
  })

  test('a file that is no database is an error that names it and the way out', async () => {
    await using dir = await TempDir.make()
    const path = join(dir.path, 'hub.db')
    await writeFile(path, 'this is no database, and it is long enough to be looked at '.repeat(40))
    await expect(open(dir.path)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(/hub\.db.*not a database.*--data/),
    })
  })

  test('a database of a newer hub is refused, not damaged', async () => {
    await using dir = await TempDir.make()
    const path = join(dir.path, 'hub.db')
    await (await open(dir.path)).close()
    const file = new SqliteDatabase(path)
    file.exec(`insert into kysely_migration values ('9999-from-the-future', '2030-01-01')`)
    file.close()
    await expect(open(dir.path)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('9999-from-the-future'),
    })
  })

  test('a place that cannot be written is an error that names it', async () => {
    await using dir = await TempDir.make()
    const blocked = join(dir.path, 'blocked')
    await writeFile(blocked, 'a file where a directory should be')
    await expect(open(blocked)).rejects.toMatchObject({ code: 'storage' })
    expect(() => lockDataDirectory(join(blocked, 'data'))).toThrow(/cannot write .*--data/)
  })
})

describe('the lock of a data directory', () => {
  test('one holder at a time; given back, it can be taken again', async () => {
    await using dir = await TempDir.make()
    const release = lockDataDirectory(dir.path)
    expect(() => lockDataDirectory(dir.path)).toThrow(/another hub works on/)
    release()
    lockDataDirectory(dir.path)()
  })
})

describe('what the database itself refuses', () => {
  test('audit events cannot be changed or deleted, terminal states not left, executions not deleted', async () => {
    await using dir = await TempDir.make()
    const path = join(dir.path, 'hub.db')
    await (await open(dir.path)).close()
    const file = new SqliteDatabase(path)
    file.exec(`insert into audit_events values (1, 0, null, 'a', 'x', 'requested', '{}', '0', '1');
      insert into command_executions
        (action_id, agent_id, command, command_hash, request_hash, env, timeout_ms, stream_output, status, hub_id, timestamp)
        values ('x', 'a', 'ls', 'h', 'r', '{}', 1, 1, 'completed', 'hub', 0)`)
    expect(() => file.exec(`update audit_events set kind = 'denied'`)).toThrow(/append-only/)
    expect(() => file.exec('delete from audit_events')).toThrow(/append-only/)
    expect(() => file.exec(`update command_executions set status = 'queued'`)).toThrow(
      /never changes/,
    )
    expect(() => file.exec('delete from command_executions')).toThrow(/never deleted/)
    expect(() => file.exec('replace into audit_events select * from audit_events')).toThrow(
      /append-only/,
    )
    file.close()
  })
})
