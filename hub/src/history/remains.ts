import { existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import { openStore } from './store/database.ts'
import type { Database, StoreLocation } from './store/dialect/dialect.ts'
import type { SecretKeeper } from './masking/secret-keeper.ts'

const suffixes = ['', '-wal', '-shm']
const keyName = 'history.key'

/** Tells how to go on without what was lost. */
export function wayOn(dataDir: string): string {
  return `bring it back from a backup, or go on without it: centralpost recover --data ${dataDir}`
}

/** Whether the ledger's file is there and holds anything. */
export function hasLedger(dataDir: string): boolean {
  return sizeOf(join(dataDir, 'hub.db')) > 0
}

/**
 * Refuses to begin a new ledger beside what an earlier one has left: the ids of its actions would be unknown, and what is
 * asked for again would run again.
 *
 * @throws {CentralPostError} `storage`; says what is lost and how to go on
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
    `hub.db is gone or empty, but ${found.join(', ')} in ${dataDir} belong to it. Lost with it: what was done and decided, ` +
      'what waits, and which action ids were used (asked for again, they run again). Not lost: rules, credentials, kept ' +
      `outputs and segments; ${wayOn(dataDir)}`,
  )
}

/** Opens the memory once; one that is broken is put aside and made again from the ledger. */
export async function openOrMakeMemory(location: StoreLocation, log: Logger): Promise<void> {
  try {
    await (await openStore(location, 'memory')).close()
  } catch (error) {
    if (location.backend !== 'sqlite' || !isDamage(error)) throw error
    const to = await putAside(location.dataDir, ['memory.db'])
    log.error('memory.db is broken; it is made again from hub.db (not so patterns made by hand)', {
      putInto: to,
      error: messageOf(error),
    })
    await (await openStore(location, 'memory')).close()
  }
}

/** How many rows only the key can open: of actions that wait, and results. */
export async function sealedRows(db: Database): Promise<{ waiting: number; results: number }> {
  const count = (table: 'sealed_originals' | 'action_results') =>
    db.selectFrom(table).select((get) => get.fn.countAll<number>().as('n'))
  const waiting = await count('sealed_originals').executeTakeFirstOrThrow()
  const results = await count('action_results').where('sealed', '=', 1).executeTakeFirstOrThrow()
  return { waiting: waiting.n, results: results.n }
}

/** @returns whether the key of the history is there */
export function hasKey(dataDir: string): boolean {
  return sizeOf(join(dataDir, keyName)) > 0
}

/**
 * Refuses to make a new key while there is something that only the old one opens.
 *
 * @throws {CentralPostError} `storage`
 */
export async function checkKeyIsThere(db: Database, dataDir: string, log: Logger): Promise<void> {
  if (hasKey(dataDir)) return
  const sealed = await sealedRows(db)
  if (sealed.waiting + sealed.results > 0) throw keyLost(dataDir, 'is gone', sealed)
  const known = await db.selectFrom('command_executions').select('execution_id').limit(1).execute()
  if (known.length > 0) {
    log.warn('history.key is gone; a new one is made, and nothing was sealed with the old one')
  }
}

/**
 * Refuses a key that does not open what is sealed.
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
    `history.key ${what} that opens ${waiting} waiting action(s) and ${results} result(s) in hub.db. Lost without it: what ` +
      `these say. Not lost: everything else that was recorded; ${wayOn(dataDir)}`,
  )
}

/** Whether an error says that a file is no database, or a broken one. */
export function isDamage(error: unknown): boolean {
  for (let one = error; Error.isError(one); one = one.cause) {
    if ('code' in one && /^SQLITE_(NOTADB|CORRUPT)/.test(String(one.code))) return true
  }
  return false
}

/** Moves databases with their logs into a folder of their own. @returns the folder */
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
