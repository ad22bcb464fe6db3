import { setTimeout as delay } from 'node:timers/promises'
import {
  type Bus,
  lastKeptMessage,
  type Logger,
  messageOf,
  resultStream,
  Backoff,
} from '@centralpost/shared'

/** A result that the broker has not confirmed. */
export interface OutboxItem {
  readonly execution_id: number
  readonly subject: string
  readonly stored: number
  readonly result: string
}

export interface OutboxParts {
  readonly unpublished: (limit: number) => Promise<OutboxItem[]>
  /** the number of the newest execution; 0: none */
  readonly newest: () => Promise<number>
  readonly markPublished: (executionIds: readonly number[], at: number) => Promise<void>
  readonly now: () => number
  readonly log: Logger
}

/** Limit of results in flight; more wait in the ledger. */
const mostUnderway = 256
/** How long confirmations are batched into one write, in milliseconds. */
const gatherMs = 20
const firstRetryMs = 1000
const longestRetryMs = 8000
/** How long a stop waits for broker and ledger, in milliseconds. */
const longestStopMs = 3000

/**
 * Publishes results until the broker has confirmed them. Unconfirmed results are in the ledger, so
 * the outbox continues where a dead hub stopped. A newly recorded result is sent immediately,
 * without reading it back. A confirmation that cannot be recorded is remembered and recorded later:
 * a hub sends each result once, however long its ledger is unwritable. A result that an earlier
 * hub, or an earlier attempt, may have delivered is searched for on the broker before it is sent.
 */
export class Outbox {
  readonly #bus: Bus
  readonly #parts: OutboxParts
  readonly #stopKicks: () => void
  readonly #underway = new Map<number, Promise<void>>()
  /** confirmed, and not yet recorded in the ledger */
  readonly #unnoted = new Set<number>()
  /** may be on the broker, which did not confirm it */
  readonly #uncertain = new Set<number>()
  /** the newest execution at the start: results of an earlier hub are not newer */
  #newestBefore: number | undefined
  /** ids seen at any moment since a ledger read began; absent: no read in progress */
  #knownToRead: Set<number> | undefined
  #noting: NodeJS.Timeout | undefined
  #notes: Promise<void> = Promise.resolve()
  #working: Promise<void> | undefined
  #isKicked = false
  /** the ledger holds more results than may be in flight */
  #isBehind = false
  #isStopped = false
  #retry: NodeJS.Timeout | undefined
  readonly #retries = new Backoff(firstRetryMs, longestRetryMs)

  constructor(bus: Bus, parts: OutboxParts) {
    this.#bus = bus
    this.#parts = parts
    this.#stopKicks = bus.onReconnect(() => this.kick())
  }

  /** Sends a newly recorded result. */
  push(item: OutboxItem): void {
    if (this.#isStopped) return
    if (this.#underway.size >= mostUnderway) this.#isBehind = true
    else void this.#deliver(item)
  }

  /**
   * Resolves when no part of a result is in flight, to broker or ledger: it can be sent anew.
   *
   * @throws the ledger's error when it is not writable
   */
  async settled(executionId: number): Promise<void> {
    await this.#underway.get(executionId)
    await this.#note()
    if (!this.#unnoted.has(executionId)) return
    await this.#parts.markPublished([executionId], this.#parts.now())
    this.#unnoted.delete(executionId)
  }

  /** Signals that the ledger has results to send. */
  kick(): void {
    this.#isKicked = true
    if (!this.#isStopped) this.#working ??= this.#run()
  }

  /** Sends what it can immediately, then stops. The rest goes out at the next start. */
  async stop(): Promise<void> {
    this.#stopKicks()
    const late = new AbortController()
    await Promise.race([
      this.#sendTheRest(),
      delay(longestStopMs, undefined, late).catch(() => {
        // already stopped
      }),
    ])
    late.abort()
    this.#isStopped = true
    clearTimeout(this.#retry)
    clearTimeout(this.#noting)
  }

  async #sendTheRest(): Promise<void> {
    this.kick()
    await this.#working
    this.#isStopped = true
    await Promise.all(this.#underway.values())
    await this.#note()
  }

  async #run(): Promise<void> {
    try {
      while (this.#isKicked) {
        this.#isKicked = false
        await this.#sendAll()
      }
    } catch (error) {
      this.#parts.log.error('reading the outbox failed', { error })
      this.#tryLater()
    } finally {
      this.#working = undefined
    }
  }

  async #sendAll(): Promise<void> {
    this.#newestBefore ??= await this.#parts.newest()
    for (;;) {
      // results in flight are unpublished as well: they are read again and skipped, even if they
      // arrive meanwhile
      const known = new Set([...this.#underway.keys(), ...this.#unnoted])
      this.#knownToRead = known
      const items = await this.#parts.unpublished(mostUnderway).finally(() => {
        this.#knownToRead = undefined
      })
      const fresh = items.filter((item) => !known.has(item.execution_id))
      if (fresh.length === 0) {
        this.#isBehind = items.length === mostUnderway
        return
      }
      const sent = await Promise.all(fresh.map((item) => this.#deliver(item)))
      if (sent.includes(false) || !(await this.#note())) return
    }
  }

  /**
   * Sends one result and has its confirmation recorded. Returns whether it was confirmed; schedules
   * a retry if not.
   */
  async #deliver(item: OutboxItem): Promise<boolean> {
    const { execution_id: executionId } = item
    const sending = this.#send(item)
    this.#knownToRead?.add(executionId)
    this.#underway.set(
      executionId,
      sending.then(() => {}),
    )
    const isSent = await sending
    this.#underway.delete(executionId)
    if (isSent) {
      this.#unnoted.add(executionId)
      this.#noting ??= setTimeout(() => void this.#note(), gatherMs)
    } else this.#tryLater()
    return isSent
  }

  /**
   * Records confirmations, after the current write. Returns whether it succeeded; schedules a retry
   * if not.
   */
  #note(): Promise<boolean> {
    clearTimeout(this.#noting)
    this.#noting = undefined
    const noted = this.#notes.then(() => this.#noteNow())
    this.#notes = noted.then(() => {})
    return noted
  }

  async #noteNow(): Promise<boolean> {
    const confirmed = [...this.#unnoted]
    try {
      if (confirmed.length > 0) await this.#parts.markPublished(confirmed, this.#parts.now())
    } catch (error) {
      this.#parts.log.warn('recording confirmed results failed', { error: messageOf(error) })
      this.#tryLater()
      return false
    }
    for (const executionId of confirmed) this.#unnoted.delete(executionId)
    this.#retries.reset()
    if (this.#isBehind) {
      this.#isBehind = false
      this.kick()
    }
    return true
  }

  async #send(item: OutboxItem): Promise<boolean> {
    const bytes = Buffer.from(item.result)
    try {
      if (await this.#isThere(item, bytes)) return true
      if (item.stored === 0) {
        // the stream rejects a message that names another stream; current subscribers still get it
        this.#bus.publishBytes(item.subject, bytes, { 'Nats-Expected-Stream': 'none' })
        await this.#bus.flush()
      } else await this.#bus.storeBytes(item.subject, bytes)
      this.#uncertain.delete(item.execution_id)
      return true
    } catch (error) {
      this.#uncertain.add(item.execution_id)
      this.#parts.log.warn('a result is not confirmed yet', {
        subject: item.subject,
        error: messageOf(error),
      })
      return false
    }
  }

  /** Whether the broker already holds exactly this result. */
  async #isThere(item: OutboxItem, bytes: Buffer): Promise<boolean> {
    const { execution_id: executionId, subject, stored } = item
    const mayBe = executionId <= (this.#newestBefore ?? 0) || this.#uncertain.has(executionId)
    if (stored !== 1 || !mayBe) return false
    const last = await lastKeptMessage(this.#bus, resultStream, subject)
    if (last === null || !bytes.equals(last.data)) return false
    this.#uncertain.delete(executionId)
    return true
  }

  /** A retry for all remaining results, with growing delays. */
  #tryLater(): void {
    if (this.#isStopped || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      void this.#note()
      this.kick()
    }, this.#retries.next())
    this.#retry.unref()
  }
}
