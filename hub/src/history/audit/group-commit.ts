import type { AuditEntry, AuditTrail } from './audit-trail.ts'
import type { Database, StoreDialect, Tx } from '../store/dialect/dialect.ts'
import { isLeaseOver } from '../store/lease-over.ts'
import { isLostConnection } from '../store/transient-error.ts'

/**
 * One commit in progress: participants write through `tx` and append audit events through `tell`.
 */
export interface Batch {
  readonly tx: Tx
  readonly tell: (entry: AuditEntry) => void
}

interface Write {
  readonly work: (batch: Batch) => unknown
  readonly isDurable: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommitParts {
  readonly db: Database
  readonly dialect: StoreDialect
  readonly trail: AuditTrail
  /** the state on disk is unknown: the process must end, and the next one must read it */
  readonly onUncertain: (error: unknown) => void
  /** called after a commit with its number of audit events: derived data can be updated */
  readonly onTold?: (events: number) => void
}

/** The results of a batch, one per write. */
interface Done {
  readonly values: readonly unknown[]
  readonly events: number
}

const mostWrites = 256
/**
 * Time limit for filling one transaction, in milliseconds: SQLite blocks everything else meanwhile.
 */
const longestBatchMs = 3

/**
 * Group commit: writes that arrive during a commit share the next one. When one write of a batch
 * fails, the batch is rolled back and each write retried alone, so that no write suffers for
 * another. The next commit is prepared while the previous one is being synced.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts
  #waiting: Write[] = []
  #working: Promise<void> | undefined
  #committing: Promise<void> | undefined
  #syncing = new Set<Promise<void>>()
  #held: Promise<void> | undefined
  #underway: readonly Write[] = []
  #lost: Error | undefined

  constructor(parts: GroupCommitParts) {
    this.#parts = parts
  }

  /**
   * Runs a write in a transaction.
   *
   * @param work must only touch the database: it may run twice
   * @param options.isDurable false: may be lost at a power failure, and is not waited for @default
   *   true
   * @returns the result of `work`, once it is on disk
   */
  write<T>(
    work: (batch: Batch) => T | Promise<T>,
    options: { readonly isDurable?: boolean } = {},
  ): Promise<T> {
    if (this.#lost) return Promise.reject(this.#lost)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.push({ work, resolve, reject, isDurable: options.isDurable ?? true })
    this.#working ??= this.#run()
    return promise as Promise<T>
  }

  /** Resolves when everything readable now is on disk: await it before reporting any of it. */
  async durable(): Promise<void> {
    if (this.#syncing.size > 0) await Promise.all(this.#syncing)
  }

  /** Runs a task while no commit is in progress; only writes wait meanwhile. */
  async hold(work: () => Promise<unknown>): Promise<void> {
    const done = Promise.all([this.#held, this.#committing])
      .then(work)
      .then(
        () => {},
        () => {
          // the caller gets the error
        },
      )
    this.#held = done
    await done
    if (this.#held === done) this.#held = undefined
  }

  /**
   * Stops writing: another hub may write now. Queued and current writes are rejected without
   * waiting for the database; the next hub sees whether they succeeded.
   */
  lose(error: unknown): void {
    this.#lost ??= new Error('the history is lost; the hub must start anew', { cause: error })
    for (const write of [...this.#underway, ...this.#waiting.splice(0)]) write.reject(this.#lost)
  }

  /** Resolves when no write is in progress. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
    await Promise.allSettled(this.#syncing)
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // one turn of the event loop, to include writes that arrived with the same message
      await new Promise(setImmediate)
      await this.#held
      this.#underway = this.#waiting.splice(0, mostWrites)
      this.#committing = this.#commit([...this.#underway])
      await this.#committing
    }
    this.#working = undefined
  }

  async #commit(batch: Write[]): Promise<void> {
    const { db, trail } = this.#parts
    if (this.#lost) {
      for (const write of batch) write.reject(this.#lost)
      return
    }
    let done: Done = { values: [], events: 0 }
    let isCommitting = false
    try {
      await db.transaction().execute(async (tx) => {
        done = await this.#work(tx, batch)
        isCommitting = true
      })
    } catch (error) {
      trail.forget()
      if (isLeaseOver(error) || (isCommitting && isLostConnection(error))) {
        this.#give(batch, error)
        return
      }
      const [only] = batch
      if (batch.length === 1) only?.reject(error)
      else for (const write of batch) await this.#commit([write])
      return
    }
    this.#settle(batch, done.values)
    if (done.events > 0) this.#parts.onTold?.(done.events)
  }

  /** Takes as many writes as fit into the time limit; the rest waits. */
  async #work(tx: Tx, batch: Write[]): Promise<Done> {
    const { trail } = this.#parts
    const until = performance.now() + longestBatchMs
    const values: unknown[] = []
    await trail.begin(tx)
    const entries: AuditEntry[] = []
    const shared: Batch = { tx, tell: (entry) => entries.push(entry) }
    for (const write of batch) {
      // reading the clock is not free: every 8th write
      if (values.length % 8 === 7 && performance.now() > until) break
      const value = write.work(shared)
      values.push(value instanceof Promise ? await value : value)
    }
    if (entries.length > 0) await trail.append(tx, entries)
    this.#waiting.unshift(...batch.splice(values.length))
    return { values, events: entries.length }
  }

  #settle(batch: readonly Write[], done: readonly unknown[]): void {
    const waiting: Write[] = []
    batch.forEach((write, index) => {
      if (write.isDurable) waiting.push(write)
      else write.resolve(done[index])
    })
    if (waiting.length === 0) return
    const values = batch.flatMap((write, index) => (write.isDurable ? [done[index]] : []))
    const synced = this.#parts.dialect
      .makeDurable()
      .then(
        () => waiting.forEach((write, index) => write.resolve(values[index])),
        (error: unknown) => this.#give(waiting, error),
      )
      .finally(() => this.#syncing.delete(synced))
    this.#syncing.add(synced)
  }

  /** A failed sync may or may not have been written: only a new start can tell. */
  #give(batch: readonly Write[], error: unknown): void {
    this.#lost ??= new Error('the history may not be on the disk; the hub must start anew', {
      cause: error,
    })
    for (const write of batch) write.reject(this.#lost)
    this.#parts.onUncertain(error)
  }
}
