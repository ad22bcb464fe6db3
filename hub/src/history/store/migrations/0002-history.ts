import { type Kysely, sql } from 'kysely'
import { postgresHistory } from '../dialect/postgres.ts'
import type { StoreDialect } from '../dialect/dialect.ts'
import { sqliteExecutionColumns } from './0001-initial.ts'

/**
 * The ledger keeps only the indexes that its own steps need: those for searching and counting move
 * to the memory, which is written behind the hot path. The unique index against duplicate actions
 * begins with the action id, since ids are created in ascending order; no second index is needed.
 * Secrets are masked, sealed originals are separate, and segments of the trail are recorded.
 */
export async function up(db: Kysely<unknown>, dialect: StoreDialect['name']): Promise<void> {
  const isSqlite = dialect === 'sqlite'
  const integer = isSqlite ? 'integer' : 'bigint'
  const strict = isSqlite ? ' strict' : ''
  const statements = [
    `drop index audit_events_execution`,
    ...(isSqlite ? sqliteLedger : []),
    `alter table action_results add column sealed integer not null default 0`,
    // compared one by one: SQLite rebuilds the list of an "in" for every row
    `create index command_executions_active on command_executions (status, execution_id, digest)
      where status = 'pending' or status = 'queued' or status = 'running'`,
    `create index command_executions_denials on command_executions (agent_id, execution_id)
      where status = 'denied' and decided_by <> 'policy'`,
    `create table sealed_originals (
      execution_id ${integer} primary key references command_executions,
      original text not null
    )${strict}`,
    `create table audit_segments (
      segment_id integer primary key,
      first_seq ${integer} not null,
      last_seq ${integer} not null,
      first_at ${integer} not null,
      last_at ${integer} not null,
      last_hash text not null,
      sha256 text not null,
      file text not null,
      sealed_at ${integer} not null,
      sealed_by text not null
    )${strict}`,
    ...(isSqlite ? sqliteSealedOnly : postgresHistory),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** SQLite cannot change a table's constraint, so the table is rebuilt. */
const sqliteLedger: readonly string[] = [
  // rows are never deleted, so the highest id is never reused, even without AUTOINCREMENT
  `create table new_executions (
      execution_id integer primary key,
      ${sqliteExecutionColumns},
      masked integer not null default 0,
      unique (action_id, agent_id)
    ) strict`,
  `insert into new_executions select *, 0 from command_executions order by execution_id`,
  `drop table command_executions`,
  `alter table new_executions rename to command_executions`,
  `create index command_executions_waiting on command_executions (agent_id) where status = 'pending'`,
  `create index command_executions_writes on command_executions (finished_at)
    where trust_level <> 'SAFE' and execution_timestamp is not null`,
  `create trigger command_executions_final before update on command_executions
    when old.status <> 'pending' and old.status <> 'queued' and old.status <> 'running'
    begin select raise(abort, 'a terminal state never changes'); end`,
  `create trigger command_executions_no_delete before delete on command_executions
    begin select raise(abort, 'executions are never deleted'); end`,
  `drop table command_fts`,
  `drop trigger audit_events_no_delete`,
]

const sqliteSealedOnly: readonly string[] = [
  // REPLACE deletes without firing the trigger below
  `create trigger audit_events_only_after before insert on audit_events
    when new.seq <= (select max(seq) from audit_events)
    begin select raise(abort, 'audit events are append-only'); end`,
  `create trigger audit_events_no_delete before delete on audit_events
    when not exists (select 1 from audit_segments s where old.seq between s.first_seq and s.last_seq)
    begin select raise(abort, 'audit events are append-only'); end`,
]
