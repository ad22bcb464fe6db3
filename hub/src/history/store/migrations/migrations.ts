import { CentralPostError, messageOf } from '@centralpost/shared'
import { type Migration, Migrator } from 'kysely/migration'
import type { Store, StoreDialect, StorePart } from '../dialect/dialect.ts'
import * as initial from './0001-initial.ts'
import * as history from './0002-history.ts'
import * as leases from './0003-leases.ts'
import * as messages from './0004-messages.ts'
import * as memoryInitial from './memory-0001-initial.ts'

type Name = StoreDialect['name']

/** Forward only; a shipped migration never changes. */
const migrations: Readonly<Record<StorePart, (name: Name) => Record<string, Migration>>> = {
  ledger: (name) => ({
    '0001-initial': { up: (db) => initial.up(db, name) },
    '0002-history': { up: (db) => history.up(db, name) },
    '0003-leases': { up: (db) => leases.up(db, name) },
    '0004-messages': { up: (db) => messages.up(db) },
  }),
  memory: (name) => ({
    'memory-0001-initial': { up: (db) => memoryInitial.up(db, name) },
  }),
}

const tables: Readonly<Record<StorePart, string>> = {
  ledger: 'kysely_migration',
  memory: 'memory_migration',
}

/**
 * Migrates the tables of one part of a store.
 *
 * @throws {CentralPostError} `storage` when it fails, or a newer hub has migrated further
 */
export async function migrate({ db, dialect }: Store, part: StorePart): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations[part](dialect.name)) },
    migrationTableName: tables[part],
    migrationLockTableName: `${tables[part]}_lock`,
  })
  const { error } = await dialect.migrating(() => migrator.migrateToLatest())
  if (error === undefined) return
  throw new CentralPostError(
    'storage',
    `cannot migrate the tables of the ${part}: ${messageOf(error)}; use the hub version that wrote it last`,
    { cause: error },
  )
}
