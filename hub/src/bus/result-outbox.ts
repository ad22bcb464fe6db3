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
  /** the number of the newest execution; 0: there is none */
  readonly newest: () => Promise<number>
  readonly markPublished: (executionIds: readonly number[], at: number) => Promise<void>
  readonly now: () => number
  readonly log: Logger
}

/** So many results may be on their way at once; more wait in the ledger. */
const mostUnderway = 256
/** How long confirmations are gathered, so that many of them are noted by one write. */
const gatherMs = 20
const firstRetryMs = 1000
const longestRetryMs = 8000
/** How long a stop waits for the broker and the ledger, in milliseconds. */
const longestStopMs = 3000

/**
 * Publishes results until the broker has confirmed them. What is to be sent is in the ledger, so it goes on where a dead
 * hub stopped; a result that has just been recorded is sent at once, without being read again. What is confirmed and
 * cannot be noted is kept in mind and noted later: a hub sends it once, however long its ledger cannot be written. What
 * an earlier hub, or an earlier try, may have brought to the broker is looked for there before it is sent.
 */
export class Outbox {
  readonly #bus: Bus
  readonly #parts: OutboxParts
  readonly #stopKicks: () => void
  readonly #underway = new Map<number, Promise<void>>()
  /** confirmed, and not yet noted in the ledger */
  readonly #unnoted = new Set<number>()
  /** may be with the broker, which did not confirm it */
  readonly #uncertain = new Set<number>()
  /** the newest execution when this began: what is of an earlier hub is not newer */
  #newestBefore: number | undefined
  /** what was known of at any moment since the ledger began to be read; absent: it is not being read */
  #knownToRead: Set<number> | undefined
  #noting: NodeJS.Timeout | undefined
  #notes: Promise<void> = Promise.resolve()
  #working: Promise<void> | undefined
  #isKicked = false
  /** more waits in the ledger than may be on its way */
  #isBehind = false
  #isStopped = false
  #retry: NodeJS.Timeout | undefined
  readonly #retries = new Backoff(firstRetryMs, longestRetryMs)

  constructor(bus: Bus, parts: OutboxParts) {
    this.#bus = bus
    this.#parts = parts
    this.#stopKicks = bus.onReconnect(() => this.kick())
  }

  /** Sends a result that has just been recorded. */
  push(item: OutboxItem): void {
    if (this.#isStopped) return
    if (this.#underway.size >= mostUnderway) this.#isBehind = true
    else void this.#deliver(item)
  }

  /**
   * Resolves when nothing of a result is on its way any more, to the broker or to the ledger: it can be sent anew.
   *
   * @throws what the ledger throws when it cannot be written
   */
  async settled(executionId: number): Promise<void> {
    await this.#underway.get(executionId)
    await this.#note()
    if (!this.#unnoted.has(executionId)) return
    await this.#parts.markPublished([executionId], this.#parts.now())
    this.#unnoted.delete(executionId)
  }

  /** There is something to send in the ledger. */
  kick(): void {
    this.#isKicked = true
    if (!this.#isStopped) this.#working ??= this.#run()
  }

  /** Sends what it can at once, then stops. What is left goes out at the next start. */
  async stop(): Promise<void> {
    this.#stopKicks()
    const late = new AbortController()
    await Promise.race([
      this.#sendTheRest(),
      delay(longestStopMs, undefined, late).catch(() => {
        // done before
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
      this.#parts.log.error('the outbox cannot be read', { error })
      this.#tryLater()
    } finally {
      this.#working = undefined
    }
  }

  async #sendAll(): Promise<void> {
    this.#newestBefore ??= await this.#parts.newest()
    for (;;) {
      // what is under way is unpublished as well: it is read again, and left alone, also when it arrives meanwhile
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

  /** Sends one result and has its confirmation noted. Tells whether it was confirmed; tries again later if not. */
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

  /** Writes down what was confirmed, after what is being written down. Tells whether it could; tries again later if not. */
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
      this.#parts.log.warn('confirmed results could not be noted', { error: messageOf(error) })
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
        // the stream refuses what names another stream; whoever listens still gets it
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

  /** Whether the broker has just this result already. */
  async #isThere(item: OutboxItem, bytes: Buffer): Promise<boolean> {
    const { execution_id: executionId, subject, stored } = item
    const mayBe = executionId <= (this.#newestBefore ?? 0) || this.#uncertain.has(executionId)
    if (stored !== 1 || !mayBe) return false
    const last = await lastKeptMessage(this.#bus, resultStream, subject)
    if (last === null || !bytes.equals(last.data)) return false
    this.#uncertain.delete(executionId)
    return true
  }

  /** One try for all that is left, later each time that it fails. */
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
