import { type Kysely, sql } from 'kysely'
import { postgresSealedOnly } from '../dialect/postgres.ts'
import type { StoreDialect } from '../dialect/dialect.ts'

/**
 * The ledger keeps only the indexes that its own steps need: what searches and counts moves to the memory, which is
 * written behind the hot path. Secrets are masked, sealed originals stand apart, and segments of the trail are noted.
 */
export async function up(db: Kysely<unknown>, dialect: StoreDialect['name']): Promise<void> {
  const isSqlite = dialect === 'sqlite'
  const integer = isSqlite ? 'integer' : 'bigint'
  const strict = isSqlite ? ' strict' : ''
  const statements = [
    ...(isSqlite ? forSqlite : []),
    `alter table command_executions add column masked integer not null default 0`,
    `alter table action_results add column sealed integer not null default 0`,
    `create index command_executions_active on command_executions (status, execution_id)
      where status in ('pending', 'queued', 'running')`,
    `create index command_executions_denials on command_executions (agent_id, execution_id)
      where status = 'denied' and decided_by <> 'policy'`,
    // by workflow and in order: the digest at its front would be a random place for each row
    `create index command_executions_reusable on command_executions (workflow_id, agent_id, execution_id)
      where status = 'completed' and trust_level = 'SAFE' and reused_from is null and workflow_id is not null`,
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
    ...(isSqlite ? sealedOnly : postgresSealedOnly),
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const forSqlite = [
  ...['agent', 'workflow', 'hash', 'status', 'level', 'agent_status', 'reusable'].map(
    (name) => `drop index command_executions_${name}`,
  ),
  `drop trigger command_fts_insert`,
  `drop trigger command_fts_update`,
  `drop table command_fts`,
  `drop trigger audit_events_no_delete`,
]

const sealedOnly = [
  // REPLACE deletes without asking the trigger below
  `create trigger audit_events_no_replace before insert on audit_events
    when exists (select 1 from audit_events where seq = new.seq)
    begin select raise(abort, 'audit events are append-only'); end`,
  `create trigger audit_events_no_delete before delete on audit_events
    when not exists (select 1 from audit_segments s where old.seq between s.first_seq and s.last_seq)
    begin select raise(abort, 'audit events are append-only'); end`,
]
