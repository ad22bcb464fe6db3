import { type Kysely, sql } from 'kysely'
import { postgresLeanLedger } from '../dialect/postgres.ts'
import type { StoreDialect } from '../dialect/dialect.ts'
import { sqliteExecutionColumns } from './0001-initial.ts'

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

const sqliteLeanLedger: readonly string[] = [
  // the highest number is never given out again without keeping it aside: nothing is deleted
  `create table lean_executions (
      execution_id integer primary key,
      ${sqliteExecutionColumns},
      masked integer not null default 0,
      unique (action_id, agent_id)
    ) strict`,
  // the same columns in the same order: the last was added last
  `insert into lean_executions select * from command_executions order by execution_id`,
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
