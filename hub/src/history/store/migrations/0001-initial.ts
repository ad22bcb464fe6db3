import { type Kysely, sql } from 'kysely'
import { postgresInitial } from '../dialect/postgres.ts'
import type { StoreDialect } from '../dialect/dialect.ts'

/** The ledger, the outbox, the audit trail and the search index. */
export async function up(db: Kysely<unknown>, dialect: StoreDialect['name']): Promise<void> {
  const statements = dialect === 'sqlite' ? sqliteInitial : postgresInitial
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** The shipped migrations' schema: it never changes. */
export const sqliteExecutionColumns = `
      action_id text not null,
      agent_id text not null,
      agent_type text,
      workflow_id text,
      command text not null,
      argv text,
      command_hash text not null,
      request_hash text not null,
      context text,
      cwd text,
      env text not null,
      timeout_ms integer not null,
      stream_output integer not null,
      expires_at integer,
      trust_level text,
      verdict text,
      digest text,
      bound text,
      reused_from integer,
      status text not null,
      deadline integer,
      approved_by text,
      decided_by text,
      approval_timestamp integer,
      execution_timestamp integer,
      hub_id text not null,
      timestamp integer not null,
      finished_at integer,
      exit_code integer,
      success integer,
      duration integer,
      error_category text,
      reason text,
      venv_active integer,
      output_size integer,
      output_ref text,
      stdout_preview text,
      stderr_preview text`

const sqliteInitial: readonly string[] = [
  `create table command_executions (
      execution_id integer primary key autoincrement,
      ${sqliteExecutionColumns},
      unique (agent_id, action_id)
    ) strict`,
  `create index command_executions_action on command_executions (action_id)`,
  `create index command_executions_agent on command_executions (agent_id, execution_id desc)`,
  `create index command_executions_workflow on command_executions (workflow_id, execution_id desc)
      where workflow_id is not null`,
  `create index command_executions_hash on command_executions (command_hash)`,
  `create index command_executions_status on command_executions (status, execution_id)`,
  `create index command_executions_level on command_executions (trust_level, execution_id)`,
  `create index command_executions_agent_status on command_executions (agent_id, status, execution_id)`,
  `create index command_executions_reusable on command_executions (workflow_id, agent_id, digest, execution_id)
      where status = 'completed' and trust_level = 'SAFE' and reused_from is null`,
  `create index command_executions_waiting on command_executions (agent_id) where status = 'pending'`,
  // possible writers, by end time: reuse_result asks whether any ended since
  `create index command_executions_writes on command_executions (finished_at)
      where trust_level <> 'SAFE' and execution_timestamp is not null`,
  `create index command_executions_pending on command_executions (digest) where status = 'pending'`,
  `create table approval_votes (
      execution_id integer not null references command_executions,
      digest text not null,
      operator_id text not null,
      timestamp integer not null,
      primary key (execution_id, digest, operator_id)
    ) strict`,
  `create table approval_rules (
      rule_id text primary key,
      agent_id text,
      workflow_id text,
      shape text not null,
      description text not null,
      created_by text not null,
      created_from integer not null references command_executions,
      created_at integer not null,
      expires_at integer not null,
      uses integer not null,
      last_used_at integer,
      revoked_by text,
      revoked_at integer
    ) strict`,
  `create table action_results (
      execution_id integer primary key references command_executions,
      subject text not null,
      stored integer not null,
      result text not null,
      published_at integer
    ) strict`,
  `create index action_results_outbox on action_results (execution_id) where published_at is null`,
  `create table audit_events (
      seq integer primary key,
      timestamp integer not null,
      execution_id integer,
      agent_id text not null,
      action_id text not null,
      kind text not null,
      data text not null,
      prev_hash text not null,
      hash text not null
    ) strict`,
  `create index audit_events_execution on audit_events (execution_id, seq)`,
  `create trigger audit_events_no_update before update on audit_events
      begin select raise(abort, 'audit events are append-only'); end`,
  `create trigger audit_events_no_delete before delete on audit_events
      begin select raise(abort, 'audit events are append-only'); end`,
  `create trigger command_executions_final before update on command_executions
      when old.status not in ('pending', 'queued', 'running')
      begin select raise(abort, 'a terminal state never changes'); end`,
  `create trigger command_executions_no_delete before delete on command_executions
      begin select raise(abort, 'executions are never deleted'); end`,
  `create virtual table command_fts using fts5 (
      command, context, stdout_preview, stderr_preview,
      content='command_executions', content_rowid='execution_id',
      tokenize="unicode61 remove_diacritics 2 tokenchars '_'", prefix='2 3'
    )`,
  `create trigger command_fts_insert after insert on command_executions begin
      insert into command_fts (rowid, command, context, stdout_preview, stderr_preview)
      values (new.execution_id, new.command, new.context, new.stdout_preview, new.stderr_preview);
    end`,
  `create trigger command_fts_update after update of stdout_preview, stderr_preview on command_executions begin
      insert into command_fts (command_fts, rowid, command, context, stdout_preview, stderr_preview)
      values ('delete', old.execution_id, old.command, old.context, old.stdout_preview, old.stderr_preview);
      insert into command_fts (rowid, command, context, stdout_preview, stderr_preview)
      values (new.execution_id, new.command, new.context, new.stdout_preview, new.stderr_preview);
    end`,
]
