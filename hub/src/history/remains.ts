import { existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import { openStore } from './store/database.ts'
import type { Database, StoreLocation } from './store/dialect/dialect.ts'
import type { SecretKeeper } from './masking/secret-keeper.ts'

const suffixes = ['', '-wal', '-shm']
const keyName = 'history.key'

/** Explains how to continue without lost files. */
export function wayOn(dataDir: string): string {
  return `restore it from a backup, or continue without it: centralpost recover --data ${dataDir}`
}

/** Whether the ledger's file exists and is not empty. */
export function hasLedger(dataDir: string): boolean {
  return sizeOf(join(dataDir, 'hub.db')) > 0
}

/**
 * Refuses to start a new ledger beside the remains of an earlier one: its action ids would be
 * unknown, and repeated requests would run again.
 *
 * @throws {CentralPostError} `storage`; says what is lost and how to continue
 */
export function checkLedgerIsThere(dataDir: string): void {
  if (hasLedger(dataDir)) return
  const found = ['memory.db', keyName, 'hub.db-wal'].filter(
    (name) => sizeOf(join(dataDir, name)) > 0,
  )
  for (const folder of ['segments', 'spool']) {
    if (existsSync(join(dataDir, folder)) && readdirSync(join(dataDir, folder)).length > 0) {
      found.push(`${folder}/`)
    }
  }
  if (found.length === 0) return
  throw new CentralPostError(
    'storage',
    `hub.db is missing or empty, but ${found.join(', ')} in ${dataDir} belong to it. Lost with it: history and decisions, waiting actions, and used action ids (requested again, they run again). Not lost: rules, credentials, kept outputs and segments; ${wayOn(dataDir)}`,
  )
}

/** Opens the memory once; sets a broken one aside and rebuilds it from the ledger. */
export async function openOrMakeMemory(location: StoreLocation, log: Logger): Promise<void> {
  try {
    await (await openStore(location, 'memory')).close()
  } catch (error) {
    if (location.backend !== 'sqlite' || !isDamage(error)) throw error
    const to = await putAside(location.dataDir, ['memory.db'])
    log.error('memory.db is broken; rebuilding it from hub.db (except patterns made by hand)', {
      putInto: to,
      error: messageOf(error),
    })
    await (await openStore(location, 'memory')).close()
  }
}

/** The number of rows that need the key: waiting actions, and results. */
export async function sealedRows(db: Database): Promise<{ waiting: number; results: number }> {
  const count = (table: 'sealed_originals' | 'action_results') =>
    db.selectFrom(table).select((get) => get.fn.countAll<number>().as('n'))
  const waiting = await count('sealed_originals').executeTakeFirstOrThrow()
  const results = await count('action_results').where('sealed', '=', 1).executeTakeFirstOrThrow()
  return { waiting: waiting.n, results: results.n }
}

/** @returns whether the key of the history exists */
export function hasKey(dataDir: string): boolean {
  return sizeOf(join(dataDir, keyName)) > 0
}

/**
 * Refuses to create a new key while sealed rows need the old one.
 *
 * @throws {CentralPostError} `storage`
 */
export async function checkKeyIsThere(db: Database, dataDir: string, log: Logger): Promise<void> {
  if (hasKey(dataDir)) return
  const sealed = await sealedRows(db)
  if (sealed.waiting + sealed.results > 0) throw keyLost(dataDir, 'is gone', sealed)
  const known = await db.selectFrom('command_executions').select('execution_id').limit(1).execute()
  if (known.length > 0) {
    log.warn(
      'history.key is missing; creating a new one, since nothing was sealed with the old one',
    )
  }
}

/**
 * Refuses a key that does not open the sealed rows.
 *
 * @throws {CentralPostError} `storage`
 */
export async function checkKeyOpens(
  db: Database,
  secrets: SecretKeeper,
  dataDir: string,
): Promise<void> {
  const original = await db.selectFrom('sealed_originals').selectAll().limit(1).executeTakeFirst()
  const result = await db
    .selectFrom('action_results')
    .selectAll()
    .where('sealed', '=', 1)
    .orderBy('execution_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (original && secrets.opens(original)) return
  if (!original && (!result || secrets.opens(result))) return
  throw keyLost(dataDir, 'is not the one', await sealedRows(db))
}

function keyLost(
  dataDir: string,
  what: string,
  { waiting, results }: { waiting: number; results: number },
): CentralPostError {
  return new CentralPostError(
    'storage',
    `history.key ${what} that opens ${waiting} waiting action(s) and ${results} result(s) in hub.db. Lost without it: their texts. Not lost: everything else that was recorded; ${wayOn(dataDir)}`,
  )
}

/** Whether an error means that a file is no database, or a broken one. */
export function isDamage(error: unknown): boolean {
  for (let one = error; Error.isError(one); one = one.cause) {
    if ('code' in one && /^SQLITE_(NOTADB|CORRUPT)/.test(String(one.code))) return true
  }
  return false
}

/** Moves databases with their logs into a new folder. @returns the folder */
export async function putAside(dataDir: string, names: readonly string[]): Promise<string> {
  const folder = join(dataDir, `lost-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
  await mkdir(folder, { mode: 0o700 })
  for (const name of names.flatMap((one) => suffixes.map((suffix) => `${one}${suffix}`))) {
    if (existsSync(join(dataDir, name))) renameSync(join(dataDir, name), join(folder, name))
  }
  return folder
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
