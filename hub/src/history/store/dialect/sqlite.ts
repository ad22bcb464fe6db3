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

/** Exceeds the number of distinct statements in the hub; those with lists vary in length. */
const mostStatements = 500

/**
 * Opens one part of a history in SQLite files. The ledger is `hub.db`; derived data is `memory.db`,
 * with the ledger attached read-only, so that one query sees both.
 *  A commit is in the write-ahead log when it returns, and on disk when `makeDurable` resolves: the
 * log is synced off the event loop, which a slow disk would otherwise block. Nothing is
 * acknowledged before that.
 *
 * @throws {CentralPostError} `storage` when a file cannot be opened or is no database
 */
export function openSqlite(dataDir: string, part: StorePart): Store {
  const path = join(dataDir, part === 'ledger' ? 'hub.db' : 'memory.db')
  let file: Sqlite
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    file = new SqliteDatabase(path)
    // for a new file: executions take more than a kilobyte, and each page costs two writes in the
    // log
    file.pragma('page_size = 8192')
    file.pragma('journal_mode = WAL')
    // `makeDurable` syncs the log; derived data can be rebuilt from the ledger
    file.pragma('synchronous = NORMAL')
    // overwrites deleted content, so that masked secrets cannot be recovered
    file.pragma('secure_delete = ON')
    // short: waiting for another process's lock blocks the whole thread; required writes are
    // retried
    file.pragma(`busy_timeout = ${part === 'ledger' ? 100 : 5000}`)
    // the memory thread makes the checkpoints
    file.pragma('wal_autocheckpoint = 0')
    // per connection, of which a hub has several; the system's page cache is behind them
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
      // the only connection is in the transaction: consecutive statements need no promise
      run: <Row>(_tx: Tx, text: string, values: readonly unknown[]) => {
        const statement = statements.prepareOwn(text)
        if (statement.reader) return statement.all(values) as Row[]
        statement.run(values)
        return []
      },
      // having the statement return its row id takes longer than the index that keeps it unique
      insertExecution: (_tx, text, values) => {
        const { changes, lastInsertRowid } = statements.prepareOwn(text).run(values)
        return changes === 0 ? undefined : Number(lastInsertRowid)
      },
      clock: sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
      // only one hub writes to a ledger, through one connection, unless the lock of the directory
      // was removed
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
        return row === null ? null : `event ${row} has a value in place of its rowid`
      },
      // dropping a table deletes its rows, which foreign keys forbid
      // (sqlite.org/lang_altertable.html, 7)
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

/** Explains why a file is unusable, with a way out. */
export function unusable(path: string, error: unknown): CentralPostError {
  return new CentralPostError(
    'storage',
    `cannot use the database ${path}: ${messageOf(error)}; restore it from a backup, ` +
      'continue without it (centralpost recover --data DIR), or name another with --data',
    { cause: error },
  )
}

/** The size of a page's header in the log, in bytes. */
const frameHeader = 24

/**
 * Checkpoints the logs of both files, on the memory's connection. Copies only pages that no reader
 * needs; blocks no writer.
 */
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
  /** For statements that always run to their end: asking whether one is busy takes time, too. */
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
      // SQLite rolls back by itself on a full disk; the error of a second rollback would mask the
      // cause
      const text = wanted === 'rollback' && !file.inTransaction ? 'select 1' : wanted
      const known = kept.get(text)
      // a statement being iterated cannot run a second time
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

/** Syncs a write-ahead log. Callers during a sync share the next one. */
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
        // callers of the next one get the error
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
    // exists after the first write, and is never replaced while a connection is open
    this.#handle ??= open(this.#path, 'r+')
    const log = await this.#handle
    // writes to an unlinked file are lost with this process
    const [{ nlink }] = await Promise.all([log.stat(), log.datasync()])
    if (nlink === 0) throw new Error(`${this.#path} was deleted while the hub worked on it`)
  }
}
