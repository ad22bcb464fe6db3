import { setTimeout as delay } from 'node:timers/promises'
import { bootMs, CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import { sql } from 'kysely'
import { isPassingFault } from '../store/transient-fault.ts'
import type { Store, Tenure } from '../store/dialect/dialect.ts'
import { checkUnrenewed, type Lease, untilOthersAreOver } from './earlier-leases.ts'
import { thisHolder } from './holder.ts'
import { LeaseOver } from '../store/lease-over.ts'

const releaseMs = 2000
/** How long a database that cannot be written is tried at the start, in milliseconds. */
const longestTakeMs = 60_000
const retryMs = 250

export interface HubLeaseOptions {
  readonly hubId: string
  /** what the processes of its commands bear, for who takes over after it */
  readonly marker: string
  /** how long it may go without renewing, in milliseconds */
  readonly leaseMs: number
  /** how long its commands may take to end when it is over, in milliseconds */
  readonly graceMs: number
  /** the hub may not write any more: another may */
  readonly onLost: (error: Error) => void
  readonly log: Logger
}

interface Taken {
  readonly tenure: Tenure
  readonly earlierMarkers: readonly string[]
  /** by the machine's clock */
  readonly askedAt: number
}

/** So many looks after the end of a lease it is given up: a process that was stopped, or is short of time, asks once more. */
const lateLooks = 6
const longestLookMs = 500

/**
 * A hub's turn at a ledger. Its epoch is checked by every transaction, so that a hub that was stopped, cut off or
 * suspended writes nothing when it goes on after another has taken over. Where the ledger is shared the turn has an end,
 * by the database's clock, and is renewed; elsewhere the lock of the data directory is its end. Commands end with the
 * lease in any case; a hub that is late goes on when nobody has taken over yet.
 */
export class HubLease {
  readonly tenure: Tenure
  /** names the ledger for good */
  readonly ledgerId: string
  /** what the processes bear that earlier hubs may have left on this machine */
  readonly earlierMarkers: readonly string[]
  readonly #store: Store
  readonly #options: HubLeaseOptions
  readonly #listeners: ((untilBootMs: number) => void)[] = []
  readonly #watching: NodeJS.Timeout
  /** by the machine's clock, counted from before the renewal was asked for; never later than in the database */
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
   * Takes the turn, when no other hub can have anything running any more; that is waited for. The lock of the ledger
   * must be held.
   *
   * @throws {CentralPostError} `conflict` when another hub lives
   */
  static async take(store: Store, options: HubLeaseOptions): Promise<HubLease> {
    const { db, dialect } = store
    const { hubId, leaseMs, graceMs, log } = options
    const holder = thisHolder(options.marker)
    const taken = await untilTaken(log, async () => {
      const earlier = await untilOthersAreOver(store, holder, log)
      const askedAt = bootMs()
      const epoch = await db.transaction().execute(async (tx) => {
        // no transaction of another hub is under way, and every later one sees what is written here
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

  /** Calls back now and at each renewal with the end of the turn, if it has one, by the machine's clock (`bootMs`). */
  onRenewed(listener: (untilBootMs: number) => void): void {
    this.#listeners.push(listener)
    if (Number.isFinite(this.#until)) listener(this.#until)
  }

  /** Gives the turn back: the next hub need not wait. To be called when nothing runs any more. */
  async release(): Promise<void> {
    clearInterval(this.#watching)
    if (this.#isOver) return
    this.#isOver = true
    // a database that does not answer must not keep the process; the next hub waits then
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
        // tried again at the next look, until the turn is over
        this.#options.log.warn('the lease could not be renewed', { error: messageOf(error) })
      })
      .finally(() => {
        this.#isAsking = false
      })
  }

  async #ask(now: number): Promise<void> {
    const { isShared } = this.#store.dialect
    if (!(await (isShared ? this.#renew() : this.#isMine()))) {
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

  async #isMine(): Promise<boolean> {
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

/** A database that is locked for a moment, or whose server is just starting, is waited for. */
async function untilTaken<T>(log: Logger, take: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + longestTakeMs; ; await delay(retryMs)) {
    try {
      return await take()
    } catch (error) {
      if (!isPassingFault(error)) throw error
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
