import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { postgresLeases } from '../dialect/postgres-lease.ts'
import type { StoreDialect } from '../dialect/dialect.ts'

/**
 * The writing hub's lease, by the database's clock, and its epoch, which is higher than all earlier
 * ones. Also the ledger's id: only a new database changes it, a new hub does not.
 */
export async function up(db: Kysely<unknown>, dialect: StoreDialect['name']): Promise<void> {
  const isSqlite = dialect === 'sqlite'
  const integer = isSqlite ? 'integer' : 'bigint'
  const strict = isSqlite ? ' strict' : ''
  const statements = [
    `create table ledger_identity (
      only_one integer primary key check (only_one = 1), ledger_id text not null
    )${strict}`,
    `create table hub_leases (
      hub_id text primary key, epoch ${integer} not null,
      lease_until ${integer}, lease_ms ${integer} not null, grace_ms ${integer} not null, holder text
    )${strict}`,
    ...(isSqlite ? [] : postgresLeases),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
  await sql`insert into ledger_identity (only_one, ledger_id) values (1, ${randomUUID()})`.execute(
    db,
  )
}
