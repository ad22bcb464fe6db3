import { CentralPostError, messageOf } from '@centralpost/shared'
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import { Client, Pool, types } from 'pg'
import { postgresMatch } from '../memory/search-query.ts'
import { postgresVector } from '../memory/search-words.ts'
import type { Schema } from '../schema.ts'
import type { Database, Store, StorePart, Tx } from './dialect.ts'

/** Any number that no other program uses for an advisory lock: who adds to the chain, and who is the hub. */
const chainLock = 7_305_001
const hubLock = 7_305_002

const eight = 20
const numeric = 1700

type TypeId = Parameters<typeof types.getTypeParser>[0]

const parserOf = (oid: TypeId, format?: 'text'): unknown =>
  (oid as number) === eight || (oid as number) === numeric
    ? Number
    : types.getTypeParser(oid, format)

/**
 * Opens one part of a history that is kept in PostgreSQL. Both parts are tables of one database.
 *
 * @throws {CentralPostError} `storage` when the server cannot be reached or refuses
 */
export async function openPostgres(url: string, part: StorePart): Promise<Store> {
  const pool = new Pool({
    connectionString: url,
    max: part === 'ledger' ? 4 : 2,
    application_name: `centralpost ${part}`,
    connectionTimeoutMillis: 10_000,
    // counts and times are far below 2^53
    types: { getTypeParser: parserOf as typeof types.getTypeParser },
  })
  // a connection that idles may be ended by the server; the pool makes another
  pool.on('error', () => {})
  // the pool listens to those that idle only: one that is lost within a transaction would end the process, where its
  // next statement fails anyway
  pool.on('connect', (client) => client.on('error', () => {}))
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    throw unreachable(url, error)
  }
  const db: Database = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    close: () => db.destroy(),
    dialect: {
      name: 'postgres',
      isShared: true,
      // a commit is on the disk when the server says so
      makeDurable: () => Promise.resolve(),
      run: async <Row>(tx: Tx, text: string, values: readonly unknown[]) =>
        (await tx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows,
      insertExecution: async (tx, text, values) => {
        const statement = CompiledQuery.raw(`${text} returning execution_id`, [...values])
        const { rows } = await tx.executeQuery<{ execution_id: number }>(statement)
        return rows[0]?.execution_id
      },
      lockChain: async (tx) => {
        await sql`select pg_advisory_xact_lock(${sql.lit(chainLock)})`.execute(tx)
      },
      newestHits: async (on, query, { before, limit }) => {
        const { rows } = await sql<{ id: number }>`
          select execution_id as id from command_search where words @@ ${postgresMatch(query)}::tsquery
          and execution_id < ${before} order by execution_id desc limit ${limit}`.execute(on)
        return rows.map((row) => row.id)
      },
      putSearchText: async (tx, id, text) => {
        await sql`insert into command_search (execution_id, words)
          values (${id}, ${postgresVector(text)}::tsvector)
          on conflict (execution_id) do update set words = excluded.words`.execute(tx)
      },
      // the server checks its own pages (data checksums)
      structuralFault: () => Promise.resolve(null),
      migrating: (work) => work(),
      checkpoint: () => Promise.resolve({ log: 0, left: 0 }),
    },
  }
}

/**
 * Makes this process the only hub of a database, for as long as its connection lives.
 *
 * @param onLost the connection is gone: somebody else may be the hub now
 * @returns how to give it back
 * @throws {CentralPostError} `conflict` when another hub has it, `storage` when the server cannot be reached
 */
export async function lockPostgres(
  url: string,
  onLost: (error: Error) => void,
): Promise<() => Promise<void>> {
  const client = new Client({
    connectionString: url,
    application_name: 'centralpost hub lock',
    keepAlive: true,
  })
  let isReleased = false
  const lost = (error: Error): void => {
    if (!isReleased) onLost(error)
  }
  let isConnected = false
  // from the beginning: an error that nobody listens to ends the process
  client.on('error', (error) => isConnected && lost(error))
  client.on('end', () => isConnected && lost(new Error('the connection to PostgreSQL has ended')))
  try {
    await client.connect()
    isConnected = true
    const { rows } = await client.query<{ mine: boolean }>(
      `select pg_try_advisory_lock(${hubLock}) as mine`,
    )
    if (rows[0]?.mine) {
      return async () => {
        isReleased = true
        await client.end()
      }
    }
  } catch (error) {
    isReleased = true
    await client.end().catch(() => {})
    throw unreachable(url, error)
  }
  isReleased = true
  await client.end()
  throw new CentralPostError(
    'conflict',
    `another hub works on the database ${withoutPassword(url)}; stop it, or name another in history.url`,
  )
}

function unreachable(url: string, error: unknown): CentralPostError {
  return new CentralPostError(
    'storage',
    `cannot use the PostgreSQL database ${withoutPassword(url)}: ${messageOf(error)}; check history.url and that the server runs`,
    { cause: error },
  )
}

/** A connection string that may be shown. */
function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^:/@\s]*):[^@\s]*@/, '$1:***@').replace(/(password=)[^&\s]*/gi, '$1***')
}

/** The tables of `0001-initial`, as PostgreSQL has them; the search is made by the memory's own migrations. */
export const postgresInitial: readonly string[] = [
  `create table command_executions (
    execution_id bigint generated by default as identity primary key,
    action_id text not null, agent_id text not null, agent_type text, workflow_id text,
    command text not null, argv text, command_hash text not null, request_hash text not null,
    context text, cwd text, env text not null, timeout_ms bigint not null, stream_output integer not null,
    expires_at bigint, trust_level text, verdict text, digest text, bound text, reused_from bigint,
    status text not null, deadline bigint, approved_by text, decided_by text,
    approval_timestamp bigint, execution_timestamp bigint, hub_id text not null, timestamp bigint not null,
    finished_at bigint, exit_code integer, success integer, duration bigint, error_category text, reason text,
    venv_active integer, output_size bigint, output_ref text, stdout_preview text, stderr_preview text,
    unique (agent_id, action_id)
  )`,
  `create index command_executions_action on command_executions (action_id)`,
  `create index command_executions_waiting on command_executions (agent_id) where status = 'pending'`,
  `create index command_executions_writes on command_executions (finished_at)
    where trust_level <> 'SAFE' and execution_timestamp is not null`,
  `create index command_executions_pending on command_executions (digest) where status = 'pending'`,
  `create table approval_votes (
    execution_id bigint not null references command_executions,
    digest text not null, operator_id text not null, timestamp bigint not null,
    primary key (execution_id, digest, operator_id)
  )`,
  `create table approval_rules (
    rule_id text primary key, agent_id text, workflow_id text, shape text not null, description text not null,
    created_by text not null, created_from bigint not null references command_executions,
    created_at bigint not null, expires_at bigint not null, uses integer not null, last_used_at bigint,
    revoked_by text, revoked_at bigint
  )`,
  `create table action_results (
    execution_id bigint primary key references command_executions,
    subject text not null, stored integer not null, result text not null, published_at bigint
  )`,
  `create index action_results_outbox on action_results (execution_id) where published_at is null`,
  `create table audit_events (
    seq bigint primary key, timestamp bigint not null, execution_id bigint, agent_id text not null,
    action_id text not null, kind text not null, data text not null, prev_hash text not null, hash text not null
  )`,
  `create index audit_events_execution on audit_events (execution_id, seq)`,
  `create function centralpost_refuse() returns trigger language plpgsql as
    $$ begin raise exception '%', tg_argv[0]; end $$`,
  `create trigger audit_events_no_update before update on audit_events
    for each row execute function centralpost_refuse('audit events are append-only')`,
  `create trigger audit_events_no_truncate before truncate on audit_events
    for each statement execute function centralpost_refuse('audit events are append-only')`,
  `create trigger command_executions_final before update on command_executions
    for each row when (old.status not in ('pending', 'queued', 'running'))
    execute function centralpost_refuse('a terminal state never changes')`,
  `create trigger command_executions_no_delete before delete on command_executions
    for each row execute function centralpost_refuse('executions are never deleted')`,
  `create trigger command_executions_no_truncate before truncate on command_executions
    for each statement execute function centralpost_refuse('executions are never deleted')`,
]

/** The part of `0002-history` that is PostgreSQL's own. */
export const postgresHistory: readonly string[] = [
  `alter table command_executions add column masked integer not null default 0`,
  `alter table command_executions drop constraint command_executions_agent_id_action_id_key`,
  `alter table command_executions add constraint command_executions_once unique (action_id, agent_id)`,
  `drop index command_executions_action`,
  `drop index command_executions_pending`,
  // sealed events may be put away, and nothing else
  `create function centralpost_sealed_only() returns trigger language plpgsql as
    $$ begin
      if not exists (select 1 from audit_segments s where old.seq between s.first_seq and s.last_seq)
      then raise exception 'audit events are append-only'; end if;
      return old;
    end $$`,
  `create trigger audit_events_no_delete before delete on audit_events
    for each row execute function centralpost_sealed_only()`,
]

/** The search index: words with their places, made by us, so that both databases find the same. */
export const postgresSearch: readonly string[] = [
  `create table command_search (execution_id bigint primary key, words tsvector not null)`,
  `create index command_search_words on command_search using gin (words)`,
]
