import { existsSync, mkdirSync } from 'node:fs'
import { CentralPostError, holdFile, messageOf } from '@centralpost/shared'
import SqliteDatabase, { type Database as Sqlite } from 'better-sqlite3'
import type { Store, StoreLocation, StorePart } from './dialect/dialect.ts'
import { openPostgres, withoutPassword } from './dialect/postgres.ts'
import { lockPostgres, unreachable } from './dialect/postgres-lease.ts'
import { openSqlite, unusable } from './dialect/sqlite.ts'
import { migrate } from './migrations/migrations.ts'

/**
 * Opens one part of a history and migrates its tables. Open the ledger once before the derived
 * data.
 *
 * @throws {CentralPostError} `storage` when it cannot be opened, is no database, or is newer than
 *   this hub
 */
export async function openStore(location: StoreLocation, part: StorePart): Promise<Store> {
  if (location.backend === 'postgres') {
    const store = await openPostgres(location.url, part)
    return migrated(store, part)
  }
  let store: Store
  try {
    store = openSqlite(location.dataDir, part)
    return await migrated(store, part)
  } catch (error) {
    if (error instanceof CentralPostError) throw error
    throw unusable(location.dataDir, error)
  }
}

async function migrated(store: Store, part: StorePart): Promise<Store> {
  try {
    await migrate(store, part)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * Makes this process the only hub of a history.
 *
 * @param onLost exclusivity may have been lost
 * @returns a function that releases it
 * @throws {CentralPostError} `conflict` when another hub has it
 */
export async function lockHistory(
  location: StoreLocation,
  onLost: (error: Error) => void,
): Promise<() => Promise<void>> {
  if (location.backend === 'postgres') {
    const shown = withoutPassword(location.url)
    return lockPostgres(location.url, shown, onLost).catch((error: unknown) => {
      throw unreachable(shown, error)
    })
  }
  // the data directory's lock covers its files
  return () => Promise.resolve()
}

/**
 * Makes this process the only hub of a data directory. Uses an operating-system lock, through
 * SQLite: it ends with the process in any case.
 *
 * @returns a function that releases it
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
  holdFile(path)
  return () => file.close()
}
