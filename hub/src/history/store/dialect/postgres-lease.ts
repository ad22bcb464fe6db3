import { CentralPostError, messageOf } from '@centralpost/shared'
import { sql } from 'kysely'
import { Client } from 'pg'
import { setTimeout as delay } from 'node:timers/promises'
import { leaseOver } from '../lease-over.ts'
import type { Tenure, Tx } from './dialect.ts'

/** Advisory lock keys, unused by other programs: for writers of the chain, and for the hub. */
const chainLock = 7_305_001
const hubLock = 7_305_002

/** How long the server may take to end an expired hub's connections, in milliseconds. */
const longestEndMs = 10_000
const lookMs = 200

const clockText = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

/** Milliseconds since 1970, by the server's clock. */
export const postgresClock = sql<number>`${sql.raw(clockText)}`

/**
 * PostgreSQL's part of `0003-leases`: the beginning of every hub transaction, in one round trip.
 */
export const postgresLeases: readonly string[] = [
  `create function centralpost_begin(hub text, mine bigint) returns void language plpgsql as
    $$ begin
      perform pg_advisory_xact_lock(${chainLock});
      -- a statement of its own: it sees what was committed while the lock was waited for
      if not exists (select 1 from hub_leases where hub_id = hub and epoch = mine)
      then raise exception 'another hub has taken over from "%" (epoch %)', hub, mine using errcode = '${leaseOver}'; end if;
    end $$`,
]

/**
 * Serialises writers of the chain. @throws with the code `leaseOver` when the hub's term is over
 */
export async function beginPostgres(tx: Tx, tenure: Tenure | undefined): Promise<void> {
  if (tenure === undefined)
    await sql`select pg_advisory_xact_lock(${sql.lit(chainLock)})`.execute(tx)
  else await sql`select centralpost_begin(${tenure.hubId}, ${tenure.epoch})`.execute(tx)
}

/**
 * Makes this process the only hub of a database, for the lifetime of its connection. A lock holder
 * with an expired lease is suspended or cut off: its connections are terminated.
 *
 * @param url of the database
 * @param shown the same, without its password
 * @param onLost the connection is lost: another process may soon be the hub
 * @returns a function that releases it
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
  let applied = false
  const lost = (error: Error): void => {
    if (applied) onLost(error)
  }
  // attached immediately: an unhandled error event ends the process
  client.on('error', lost)
  client.on('end', () => lost(new Error('the connection to PostgreSQL has ended')))
  try {
    await client.connect()
    applied = (await tryLock(client)) || (await takeFromStopped(client))
    if (applied) {
      return async () => {
        applied = false
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

/** Takes the lock of a hub with an expired lease. Returns whether it succeeded. */
async function takeFromStopped(client: Client): Promise<boolean> {
  const seen = await overdue(client)
  if (seen === null) return false
  // the server's clock may have been set: a live hub renews within the length of its lease
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
    'the hub that works on the database is suspended, and its connections do not end ' +
      `within ${longestEndMs / 1000} s; terminate them on the server`,
  )
}

/** The lease that has expired with its grace period, when no other is valid. */
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

/** Explains why a database is unusable, with a way out. */
export function unreachable(shown: string, error: unknown): CentralPostError {
  if (error instanceof CentralPostError) return error
  return new CentralPostError(
    'storage',
    `cannot use the PostgreSQL database ${shown}: ${messageOf(error)}; check history.url and that the server runs`,
    { cause: error },
  )
}
