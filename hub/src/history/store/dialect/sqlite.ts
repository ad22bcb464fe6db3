import { open } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CentralPostError, holdFile, messageOf } from '@centralpost/shared'
import SqliteDatabase, { type Database as Sqlite, type Statement } from 'better-sqlite3'
import { Kysely, sql, SqliteDialect } from 'kysely'
import { LeaseOver } from '../lease-over.ts'
import type { Schema } from '../schema.ts'
import { rowWithAddition } from './sqlite-page-reader.ts'
import { newestHits, putSearchText } from './sqlite-search.ts'
import type { CheckpointReport, Database, Store, StorePart, Tx } from './dialect.ts'

const leaseOf = 'select epoch from hub_leases where hub_id = ?'

/** More different statements than the hub has; those with lists in them come in many lengths. */
const mostStatements = 500

/**
 * Opens one part of a history that is kept in SQLite files. The ledger is `hub.db`; the memory is `memory.db`, with the
 * ledger attached beside it for reading, so that one query sees both.
 *
 * A commit is in the write-ahead log when it returns, and on the disk when `makeDurable` resolves: the log is synced off
 * the event loop, which a slow disk would block otherwise. Nothing is acknowledged before that.
 *
 * @throws {CentralPostError} `storage` when a file cannot be opened or is no database
 */
export function openSqlite(dataDir: string, part: StorePart): Store {
  const path = join(dataDir, part === 'ledger' ? 'hub.db' : 'memory.db')
  let file: Sqlite
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    file = new SqliteDatabase(path)
    // of a file that is made now: executions take more than a kilobyte, and each page goes into the log by two writes
    file.pragma('page_size = 8192')
    file.pragma('journal_mode = WAL')
    // the log is synced by `makeDurable`; the memory can be made again from the ledger
    file.pragma('synchronous = NORMAL')
    // what is deleted is what must not be found again
    file.pragma('secure_delete = ON')
    // short: waiting for another process's lock blocks the whole thread; what must be written is tried again
    file.pragma(`busy_timeout = ${part === 'ledger' ? 100 : 5000}`)
    // checkpoints are the memory thread's work
    file.pragma('wal_autocheckpoint = 0')
    // of each connection, and a hub has several: the system's own cache is behind them
    file.pragma('cache_size = -8000')
    file.pragma('user_version')
    if (part === 'memory') file.prepare('attach ? as ledger').run(join(dataDir, 'hub.db'))
    for (const one of [path, `${path}-shm`]) holdFile(one)
  } catch (error) {
    throw unusable(path, error)
  }
  const log = new SyncedLog(`${path}-wal`)
  const statements = withKeptStatements(file)
  const db: Database = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: statements }),
  })
  return {
    db,
    close: async () => {
      await log.close()
      await db.destroy()
    },
    dialect: {
      name: 'sqlite',
      isShared: false,
      makeDurable: () => log.sync(),
      // the one connection is in the transaction: no promise is needed between a statement and the next
      run: <Row>(_tx: Tx, text: string, values: readonly unknown[]) => {
        const statement = statements.prepareOwn(text)
        if (statement.reader) return statement.all(values) as Row[]
        statement.run(values)
        return []
      },
      // asking the statement to return its row's number takes longer than the index that keeps it unique
      insertExecution: (_tx, text, values) => {
        const { changes, lastInsertRowid } = statements.prepareOwn(text).run(values)
        return changes === 0 ? undefined : Number(lastInsertRowid)
      },
      clock: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
      // one hub writes to a ledger, through one connection, unless somebody has removed the lock of the directory
      lockChain: (_tx, tenure) => {
        if (tenure === undefined) return
        const row = statements.prepareOwn(leaseOf).get(tenure.hubId) as
          | { epoch: number }
          | undefined
        if (row?.epoch !== tenure.epoch) {
          throw new LeaseOver(`another hub has taken the ledger over from "${tenure.hubId}"`)
        }
      },
      newestHits,
      putSearchText,
      structuralFault: async (on) => {
        const { rows } = await sql<{ integrity_check: string }>`
          pragma ${sql.raw(part === 'ledger' ? 'main' : 'ledger')}.integrity_check('audit_events')`.execute(
          on,
        )
        const faults = rows.map((row) => row.integrity_check).filter((fault) => fault !== 'ok')
        if (faults.length > 0) return faults.slice(0, 3).join('; ')
        const pages = await sql<{ pageno: number }>`
          select pageno from dbstat(${part === 'ledger' ? 'main' : 'ledger'})
          where name = 'audit_events' and pagetype = 'leaf'`.execute(on)
        const row = await rowWithAddition(
          join(dataDir, 'hub.db'),
          pages.rows.map((one) => one.pageno),
        )
        return row === null ? null : `event ${row} has something in place of its number`
      },
      // to drop a table is to delete its rows, which what refers to them forbids (sqlite.org/lang_altertable.html, 7)
      migrating: async (work) => {
        file.pragma('foreign_keys = OFF')
        const done = await work()
        file.pragma('foreign_keys = ON')
        return done
      },
      checkpoint: () => Promise.resolve(checkpoint(file, part)),
    },
  }
}

/** Says of a file why it cannot be used and what to do. */
export function unusable(path: string, error: unknown): CentralPostError {
  return new CentralPostError(
    'storage',
    `cannot use the database ${path}: ${messageOf(error)}; bring it back from a backup, go on without it (centralpost recover --data DIR), or name another with --data`,
    { cause: error },
  )
}

/** What a page has in front of it in the log, in bytes. */
const frameHeader = 24

/** Of the memory's connection: both files' logs. Copies only what no reader stands in the way of; blocks no writer. */
function checkpoint(file: Sqlite, part: StorePart): CheckpointReport {
  const names = part === 'memory' ? ['ledger', 'main'] : ['main']
  let report = { log: 0, left: 0 }
  for (const name of names) {
    const [row] = file.pragma(`${name}.wal_checkpoint(passive)`) as {
      log: number
      checkpointed: number
    }[]
    if (row === undefined || name !== names[0]) continue
    const frame = Number(file.pragma(`${name}.page_size`, { simple: true })) + frameHeader
    const log = Math.max(0, row.log) * frame
    report = { log, left: log - Math.max(0, row.checkpointed) * frame }
  }
  return report
}

/** Preparing a statement takes longer than running most of them. */
function withKeptStatements(file: Sqlite): {
  prepare(text: string): Statement
  /** For statements that are always run to their end: asking one whether it is busy takes a while, too. */
  prepareOwn(text: string): Statement
  close(): void
} {
  const kept = new Map<string, Statement>()
  const own = new Map<string, Statement>()
  return {
    prepareOwn: (text) => {
      const known = own.get(text)
      if (known !== undefined) return known
      const statement = file.prepare(text)
      own.set(text, statement)
      return statement
    },
    prepare: (wanted) => {
      // a full disk makes SQLite roll back by itself; the complaint about a second time would stand in for the fault
      const text = wanted === 'rollback' && !file.inTransaction ? 'select 1' : wanted
      const known = kept.get(text)
      // one that is being iterated cannot run a second time
      if (known !== undefined && !known.busy) return known
      const statement = file.prepare(text)
      if (kept.size >= mostStatements) kept.clear()
      kept.set(text, statement)
      return statement
    },
    close: () => {
      file.close()
    },
  }
}

/** Syncs a write-ahead log. Those who ask while it is being done share the next one. */
class SyncedLog {
  readonly #path: string
  #handle: ReturnType<typeof open> | undefined
  #current: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  sync(): Promise<void> {
    if (this.#current === undefined) return this.#start()
    this.#next ??= this.#current
      .catch(() => {
        // who waits for that one is told
      })
      .then(() => {
        this.#next = undefined
        return this.#start()
      })
    return this.#next
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => {})
    await this.#current?.catch(() => {})
    await (await this.#handle?.catch(() => undefined))?.close()
  }

  #start(): Promise<void> {
    const done = this.#sync().finally(() => {
      if (this.#current === done) this.#current = undefined
    })
    this.#current = done
    return done
  }

  async #sync(): Promise<void> {
    // there once something was written, and never replaced while a connection is open
    this.#handle ??= open(this.#path, 'r+')
    const log = await this.#handle
    // what is written to a file that has no name any more goes with this process
    const [{ nlink }] = await Promise.all([log.stat(), log.datasync()])
    if (nlink === 0) throw new Error(`${this.#path} was deleted while the hub worked on it`)
  }
}
