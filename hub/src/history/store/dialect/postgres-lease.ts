import { CentralPostError, messageOf } from '@centralpost/shared'
import { sql } from 'kysely'
import { Client } from 'pg'
import { setTimeout as delay } from 'node:timers/promises'
import { leaseOver } from '../lease-over.ts'
import type { Tenure, Tx } from './dialect.ts'

/** Any number that no other program uses for an advisory lock: who adds to the chain, and who is the hub. */
const chainLock = 7_305_001
const hubLock = 7_305_002

/** How long the server may take to end the connections of a hub whose lease is over, in milliseconds. */
const longestEndMs = 10_000
const lookMs = 200

const clockText = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

/** Milliseconds since 1970, by the server's clock. */
export const postgresClock = sql<number>`${sql.raw(clockText)}`

/** The part of `0003-leases` that is PostgreSQL's own: what every transaction of a hub begins with, in one round trip. */
export const postgresLeases: readonly string[] = [
  `create function centralpost_begin(hub text, mine bigint) returns void language plpgsql as
    $$ begin
      perform pg_advisory_xact_lock(${chainLock});
      -- a statement of its own: it sees what was committed while the lock was waited for
      if not exists (select 1 from hub_leases where hub_id = hub and epoch = mine)
      then raise exception 'another hub has taken over from "%" (epoch %)', hub, mine using errcode = '${leaseOver}'; end if;
    end $$`,
]

/** Lets one transaction at a time add to the chain. @throws with the code `leaseOver` when the hub's turn is over */
export async function beginPostgres(tx: Tx, tenure: Tenure | undefined): Promise<void> {
  if (tenure === undefined)
    await sql`select pg_advisory_xact_lock(${sql.lit(chainLock)})`.execute(tx)
  else await sql`select centralpost_begin(${tenure.hubId}, ${tenure.epoch})`.execute(tx)
}

/**
 * Makes this process the only hub of a database, for as long as its connection lives. A hub that has the lock, and has
 * not renewed its lease for as long as that lasts, is stopped or cut off: its connections are ended.
 *
 * @param url of the database
 * @param shown the same, without its password
 * @param onLost the connection is gone: somebody else may be the hub soon
 * @returns how to give it back
 * @throws {CentralPostError} `conflict` when another hub has it
 */
export async function lockPostgres(
  url: string,
  shown: string,
  onLost: (error: Error) => void,
): Promise<() => Promise<void>> {
  const client = new Client({
    connectionString: url,
    application_name: 'centralpost hub lock',
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  })
  let isMine = false
  const lost = (error: Error): void => {
    if (isMine) onLost(error)
  }
  // from the beginning: an error that nobody listens to ends the process
  client.on('error', lost)
  client.on('end', () => lost(new Error('the connection to PostgreSQL has ended')))
  try {
    await client.connect()
    isMine = (await tryLock(client)) || (await takeFromStopped(client))
    if (isMine) {
      return async () => {
        isMine = false
        await client.end()
      }
    }
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  await client.end()
  throw new CentralPostError(
    'conflict',
    `another hub works on the database ${shown}; stop it, or name another in history.url`,
  )
}

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>(
    `select pg_try_advisory_lock(${hubLock}) as mine`,
  )
  return rows[0]?.mine === true
}

/** Takes the lock of a hub that does not renew its lease. Tells whether it could be had. */
async function takeFromStopped(client: Client): Promise<boolean> {
  const seen = await overdue(client)
  if (seen === null) return false
  // the server's clock may have been set: a hub that lives renews within the time of its lease
  for (const until = performance.now() + seen.leaseMs; performance.now() < until;) {
    await delay(lookMs)
    if (await tryLock(client)) return true
    if ((await overdue(client))?.until !== seen.until) return false
  }
  for (const until = performance.now() + longestEndMs; performance.now() < until;) {
    await client.query(
      `select pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and classid = 0 and objid in (${chainLock}, ${hubLock}) and granted
        and database = (select oid from pg_database where datname = current_database())
        and pid <> pg_backend_pid()`,
    )
    if (await tryLock(client)) return true
    await delay(lookMs)
  }
  throw new CentralPostError(
    'storage',
    `the hub that works on the database is stopped, and its connections do not end within ${longestEndMs / 1000} s; end them on the server`,
  )
}

/** The lease that is over with its grace, when no other holds. */
async function overdue(client: Client): Promise<{ until: string; leaseMs: number } | null> {
  const there = await client.query<{ there: boolean }>(
    `select to_regclass('hub_leases') is not null as there`,
  )
  if (!there.rows[0]?.there) return null
  const { rows } = await client.query<{ until: string; lease_ms: string; over: boolean }>(
    `select lease_until as until, lease_ms, lease_until + grace_ms < ${clockText} as over
      from hub_leases where lease_until > 0`,
  )
  const [first] = rows
  if (first === undefined || !rows.every(({ over }) => over)) return null
  return { until: rows.map(({ until }) => until).join(), leaseMs: Number(first.lease_ms) }
}

/** Says of a database why it cannot be used and what to do. */
export function unreachable(shown: string, error: unknown): CentralPostError {
  if (error instanceof CentralPostError) return error
  return new CentralPostError(
    'storage',
    `cannot use the PostgreSQL database ${shown}: ${messageOf(error)}; check history.url and that the server runs`,
    { cause: error },
  )
}
