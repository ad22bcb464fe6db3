import { setTimeout as delay } from 'node:timers/promises'
import { bootMs, CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import { sql } from 'kysely'
import { isTransientError } from '../store/transient-error.ts'
import type { Store, Tenure } from '../store/dialect/dialect.ts'
import { checkUnrenewed, type Lease, untilOthersAreOver } from './earlier-leases.ts'
import { thisHolder } from './holder.ts'
import { LeaseOver } from '../store/lease-over.ts'

const releaseMs = 2000
/** How long an unwritable database is retried at the start, in milliseconds. */
const longestTakeMs = 60_000
const retryMs = 250

export interface HubLeaseOptions {
  readonly hubId: string
  /** the mark of its commands' processes, for its successor */
  readonly marker: string
  /** how long it may go without renewing, in milliseconds */
  readonly leaseMs: number
  /** how long its commands may take to end after the lease, in milliseconds */
  readonly graceMs: number
  /** the hub must stop writing: another may write */
  readonly onLost: (error: Error) => void
  readonly log: Logger
}

interface Taken {
  readonly tenure: Tenure
  readonly earlierMarkers: readonly string[]
  /** by the machine's clock */
  readonly askedAt: number
}

/**
 * Failed renewals after a lease's end until it is given up: a process that was suspended or starved
 * tries once more.
 */
const lateLooks = 6
const longestLookMs = 500

/**
 * A hub's term on a ledger. Every transaction checks its epoch, so that a hub that was suspended or
 * cut off writes nothing after another has taken over. On a shared ledger the term is a lease by
 * the database's clock, and is renewed; otherwise the lock of the data directory bounds it.
 * Commands end with the lease in any case; a late hub continues if no other has taken over.
 */
export class HubLease {
  readonly tenure: Tenure
  /** the permanent id of the ledger */
  readonly ledgerId: string
  /** marks of processes that earlier hubs may have left on this machine */
  readonly earlierMarkers: readonly string[]
  readonly #store: Store
  readonly #options: HubLeaseOptions
  readonly #listeners: ((untilBootMs: number) => void)[] = []
  readonly #watching: NodeJS.Timeout
  /** by the machine's clock, counted from before the renewal; never later than in the database */
  #until: number
  #askedAt: number
  #isAsking = false
  #looksLate = 0
  #isOver = false

  private constructor(
    store: Store,
    options: HubLeaseOptions,
    taken: Taken & { readonly ledgerId: string },
  ) {
    this.#store = store
    this.#options = options
    this.tenure = taken.tenure
    this.ledgerId = taken.ledgerId
    this.earlierMarkers = taken.earlierMarkers
    this.#askedAt = taken.askedAt
    this.#until = store.dialect.isShared
      ? taken.askedAt + options.leaseMs
      : Number.POSITIVE_INFINITY
    this.#watching = setInterval(() => this.#look(), Math.min(longestLookMs, options.leaseMs / 10))
    this.#watching.unref()
  }

  /**
   * Starts a term, once no other hub can have running commands. The caller must hold the lock of
   * the ledger.
   *
   * @throws {CentralPostError} `conflict` when another hub is alive
   */
  static async take(store: Store, options: HubLeaseOptions): Promise<HubLease> {
    const { db, dialect } = store
    const { hubId, leaseMs, graceMs, log } = options
    const holder = thisHolder(options.marker)
    const taken = await untilTaken(log, async () => {
      const earlier = await untilOthersAreOver(store, holder, log)
      const askedAt = bootMs()
      const epoch = await db.transaction().execute(async (tx) => {
        // no transaction of another hub is in progress, and every later one sees this write
        await dialect.lockChain(tx, undefined)
        await checkUnrenewed(tx, earlier.leases)
        const { last } = await tx
          .selectFrom('hub_leases')
          .select((get) => get.fn.max<number | null>('epoch').as('last'))
          .executeTakeFirstOrThrow()
        await tx.deleteFrom('hub_leases').execute()
        const own = { hub_id: hubId, epoch: (last ?? 0) + 1, lease_ms: leaseMs, grace_ms: graceMs }
        await tx
          .insertInto('hub_leases')
          .values({
            ...own,
            lease_until: dialect.isShared ? sql`${dialect.clock} + ${sql.lit(leaseMs)}` : null,
            holder: holder === null ? null : JSON.stringify(holder),
          })
          .execute()
        return own.epoch
      })
      await dialect.makeDurable()
      return { tenure: { hubId, epoch }, askedAt, earlierMarkers: earlier.markers }
    })
    const { ledger_id: ledgerId } = await db
      .selectFrom('ledger_identity')
      .select('ledger_id')
      .executeTakeFirstOrThrow()
    log.info('took the ledger over', { ...taken.tenure, ledgerId })
    return new HubLease(store, options, { ...taken, ledgerId })
  }

  /**
   * Calls back now and at each renewal with the end of the lease, if it has one, by the machine's
   * clock (`bootMs`).
   */
  onRenewed(listener: (untilBootMs: number) => void): void {
    this.#listeners.push(listener)
    if (Number.isFinite(this.#until)) listener(this.#until)
  }

  /** Returns the lease: the next hub need not wait. Call it when nothing runs any more. */
  async release(): Promise<void> {
    clearInterval(this.#watching)
    if (this.#isOver) return
    this.#isOver = true
    // an unresponsive database must not keep the process alive; the next hub waits then
    await Promise.race([
      this.#mine().set({ lease_until: 0 }).execute(),
      delay(releaseMs, undefined, { ref: false }),
    ]).catch(() => {})
  }

  #look(): void {
    if (this.#isOver) return
    const now = bootMs()
    this.#looksLate = now < this.#until ? 0 : this.#looksLate + 1
    if (this.#looksLate > lateLooks) {
      this.#lose(`it could not be renewed for ${this.#options.leaseMs / 1000} s`)
      return
    }
    if (this.#isAsking || now - this.#askedAt < this.#options.leaseMs / 3) return
    this.#isAsking = true
    this.#ask(now)
      .catch((error: unknown) => {
        // retried at the next check, until the lease is over
        this.#options.log.warn('renewing the lease failed', { error: messageOf(error) })
      })
      .finally(() => {
        this.#isAsking = false
      })
  }

  async #ask(now: number): Promise<void> {
    const { isShared } = this.#store.dialect
    if (!(await (isShared ? this.#renew() : this.#applied()))) {
      this.#lose('another hub has taken the ledger over')
      return
    }
    this.#askedAt = now
    if (!isShared || this.#isOver) return
    this.#until = now + this.#options.leaseMs
    for (const listener of this.#listeners) listener(this.#until)
  }

  async #renew(): Promise<boolean> {
    const { clock } = this.#store.dialect
    const renewed = await this.#mine()
      .set({ lease_until: sql`${clock} + ${sql.lit(this.#options.leaseMs)}` })
      .executeTakeFirst()
    return renewed.numUpdatedRows > 0n
  }

  async #applied(): Promise<boolean> {
    const { hubId, epoch } = this.tenure
    const row: Pick<Lease, 'epoch'> | undefined = await this.#store.db
      .selectFrom('hub_leases')
      .select('epoch')
      .where('hub_id', '=', hubId)
      .executeTakeFirst()
    return row?.epoch === epoch
  }

  #mine() {
    const { hubId, epoch } = this.tenure
    return this.#store.db
      .updateTable('hub_leases')
      .where('hub_id', '=', hubId)
      .where('epoch', '=', epoch)
  }

  #lose(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#watching)
    const { hubId, epoch } = this.tenure
    this.#options.onLost(
      new LeaseOver(`the lease of hub "${hubId}" (epoch ${epoch}) is over: ${why}`),
    )
  }
}

/** Waits for a database that is locked, or whose server is starting. */
async function untilTaken<T>(log: Logger, take: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + longestTakeMs; ; await delay(retryMs)) {
    try {
      return await take()
    } catch (error) {
      if (!isTransientError(error)) throw error
      const message = messageOf(error)
      if (performance.now() >= until) {
        throw new CentralPostError(
          'storage',
          `the ledger cannot be taken over: ${message}; see who else uses the database`,
          { cause: error },
        )
      }
      log.error('the database cannot be written; trying again', { error: message })
    }
  }
}
