import { type Kysely, sql } from 'kysely'
import { postgresLeanLedger } from '../dialect/postgres.ts'
import type { StoreDialect } from '../dialect/dialect.ts'

/**
 * What keeps an action from being taken in twice begins with the action's id: in the order in which ids are made, with
 * no second index of them. One index has all that has not ended, also by what an approval of it binds. SQLite cannot
 * change a table's constraint, so its table is made anew.
 */
export async function up(db: Kysely<unknown>, dialect: StoreDialect['name']): Promise<void> {
  const statements = dialect === 'sqlite' ? sqliteLeanLedger : postgresLeanLedger
  for (const statement of [...statements, active]) await sql.raw(statement).execute(db)
}

const active = `create index command_executions_active on command_executions (status, execution_id, digest)
    where status in ('pending', 'queued', 'running')`

const columns = `
  execution_id, action_id, agent_id, agent_type, workflow_id, command, argv, command_hash, request_hash, context, cwd,
  env, timeout_ms, stream_output, expires_at, trust_level, verdict, digest, bound, reused_from, status, deadline,
  approved_by, decided_by, approval_timestamp, execution_timestamp, hub_id, timestamp, finished_at, exit_code, success,
  duration, error_category, reason, venv_active, output_size, output_ref, stdout_preview, stderr_preview, masked`

const sqliteLeanLedger: readonly string[] = [
  // the highest number is never given out again without keeping it aside: nothing is deleted
  `create table lean_executions (
      execution_id integer primary key,
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
      stderr_preview text,
      masked integer not null default 0,
      unique (action_id, agent_id)
    ) strict`,
  `insert into lean_executions (${columns}) select ${columns} from command_executions order by execution_id`,
  `drop table command_executions`,
  `alter table lean_executions rename to command_executions`,
  `create index command_executions_waiting on command_executions (agent_id) where status = 'pending'`,
  `create index command_executions_denials on command_executions (agent_id, execution_id)
    where status = 'denied' and decided_by <> 'policy'`,
  `create index command_executions_reusable on command_executions (workflow_id, agent_id, execution_id)
    where status = 'completed' and trust_level = 'SAFE' and reused_from is null and workflow_id is not null`,
  `create index command_executions_writes on command_executions (finished_at)
    where trust_level <> 'SAFE' and execution_timestamp is not null`,
  `create trigger command_executions_final before update on command_executions
    when old.status not in ('pending', 'queued', 'running')
    begin select raise(abort, 'a terminal state never changes'); end`,
  `create trigger command_executions_no_delete before delete on command_executions
    begin select raise(abort, 'executions are never deleted'); end`,
]
