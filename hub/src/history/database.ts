import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { CentralPostError, messageOf } from '@centralpost/shared'
import SqliteDatabase, { type Database as Sqlite } from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import * as initial from './migrations/0001-initial.ts'
import type { Schema } from './schema.ts'

export type Database = Kysely<Schema>

/** Forward only; a migration that has shipped never changes. */
const migrations: Record<string, Migration> = { '0001-initial': initial }

/**
 * Opens the hub's database and brings its tables up to date.
 *
 * A commit is on the disk when it returns (WAL, synchronous FULL): "started" must be durable before a process is.
 *
 * @throws {CentralPostError} `storage` when the file cannot be opened, is no database, or is newer than this hub
 */
export async function openDatabase(path: string): Promise<Database> {
  const wayOut = `move it away (a new one is made) or name another with --data`
  let file: Sqlite
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    file = new SqliteDatabase(path)
    file.pragma('journal_mode = WAL')
    file.pragma('synchronous = FULL')
    file.pragma('foreign_keys = ON')
    // short: waiting for another process's lock blocks the whole hub; what must be written is tried again
    file.pragma('busy_timeout = 100')
    file.pragma('wal_autocheckpoint = 4000')
    file.pragma('user_version')
  } catch (error) {
    throw new CentralPostError(
      'storage',
      `cannot use the database ${path}: ${messageOf(error)}; ${wayOut}`,
      {
        cause: error,
      },
    )
  }
  const db: Database = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) })
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return db
  await db.destroy()
  throw new CentralPostError(
    'storage',
    `cannot bring the tables of ${path} up to date: ${messageOf(error)}; ${wayOut}`,
    { cause: error },
  )
}

/**
 * Makes this process the only hub of a data directory. The lock is the operating system's, through SQLite: it goes
 * with the process however it ends.
 *
 * @returns how to give it back
 * @throws {CentralPostError} `conflict` when another hub has it
 */
export function lockDataDirectory(dataDir: string): () => void {
  const path = `${dataDir}/hub.lock`
  let file: Sqlite
  try {
    if (!existsSync(dataDir)) mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    file = new SqliteDatabase(path, { timeout: 0 })
  } catch (error) {
    throw new CentralPostError(
      'storage',
      `cannot write to the data directory ${dataDir}: ${messageOf(error)}; name another with --data`,
      { cause: error },
    )
  }
  try {
    file.exec('begin exclusive')
  } catch (error) {
    file.close()
    if (Error.isError(error) && 'code' in error && error.code === 'SQLITE_BUSY') {
      throw new CentralPostError(
        'conflict',
        `another hub works on ${dataDir}; stop it, or name another directory with --data`,
        { cause: error },
      )
    }
    throw new CentralPostError('storage', `cannot lock ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return () => file.close()
}
