import type { AuditEntry, AuditTrail } from './audit-trail.ts'
import type { Database, StoreDialect, Tx } from '../store/dialect/dialect.ts'
import { isLeaseOver } from '../store/lease-over.ts'
import { isLostConnection } from '../store/transient-fault.ts'

/** One commit under way: what takes part in it writes through `tx` and tells the audit trail through `tell`. */
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
  /** nobody can say what is on the disk: the process must end, and the next one take up what is there */
  readonly onUncertain: (error: unknown) => void
  /** called after a commit that told the audit trail of so many events: what is derived from it can be brought up to date */
  readonly onTold?: (events: number) => void
}

/** What came of a batch: a value for each write of it. */
interface Done {
  readonly values: readonly unknown[]
  readonly events: number
}

const mostWrites = 256
/** How long one transaction may take writes in, in milliseconds: nothing else runs meanwhile on SQLite. */
const longestBatchMs = 3

/**
 * Lets concurrent writes share one commit: what is asked for while a commit is under way goes into the next one.
 * When one write of a batch fails, the batch is undone and each of it tried alone, so nobody suffers for another.
 * The next commit is made while the one before is on its way to the disk.
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
   * Does a write in a transaction.
   *
   * @param work must only touch the database: it may be done a second time
   * @param options.isDurable false: it may be lost with the power, and is not waited for @default true
   * @returns what `work` returned, once it is on the disk
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

  /** Resolves when all that can be read now is on the disk: to be awaited before anybody is told of it. */
  async durable(): Promise<void> {
    if (this.#syncing.size > 0) await Promise.all(this.#syncing)
  }

  /** Does something while no commit is made; writes wait meanwhile, nothing else does. */
  async hold(work: () => Promise<unknown>): Promise<void> {
    const done = Promise.all([this.#held, this.#committing])
      .then(work)
      .then(
        () => {},
        () => {
          // who asked for it is told
        },
      )
    this.#held = done
    await done
    if (this.#held === done) this.#held = undefined
  }

  /**
   * Writes nothing more: another hub may. What waits and what is under way is refused, without waiting for a database
   * that may not answer; whether it was written, the next hub will see.
   */
  lose(error: unknown): void {
    this.#lost ??= new Error('the history is lost; the hub must start anew', { cause: error })
    for (const write of [...this.#underway, ...this.#waiting.splice(0)]) write.reject(this.#lost)
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
    await Promise.allSettled(this.#syncing)
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // one turn of the event loop, so that all that arrived with this message goes along
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

  /** As many writes as fit into the time; the others go back to wait. */
  async #work(tx: Tx, batch: Write[]): Promise<Done> {
    const { trail } = this.#parts
    const until = performance.now() + longestBatchMs
    const values: unknown[] = []
    await trail.begin(tx)
    const entries: AuditEntry[] = []
    const shared: Batch = { tx, tell: (entry) => entries.push(entry) }
    for (const write of batch) {
      // the clock costs as much as a part of a write
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

  /** What failed may or may not have been written: only a new start can tell. */
  #give(batch: readonly Write[], error: unknown): void {
    this.#lost ??= new Error('the history may not be on the disk; the hub must start anew', {
      cause: error,
    })
    for (const write of batch) write.reject(this.#lost)
    this.#parts.onUncertain(error)
  }
}
