import { type Bus, type Logger, messageOf } from '@centralpost/shared'

/** A result that the broker has not confirmed. */
export interface OutboxItem {
  readonly execution_id: number
  readonly subject: string
  readonly stored: number
  readonly result: string
}

export interface OutboxParts {
  readonly unpublished: (limit: number) => Promise<OutboxItem[]>
  readonly markPublished: (executionIds: readonly number[], at: number) => Promise<void>
  readonly now: () => number
  readonly log: Logger
}

/** So many results may be on their way at once; more wait in the ledger. */
const mostUnderway = 256
/** How long confirmations are gathered, so that many of them are noted by one write. */
const gatherMs = 20
const retryMs = 1000

/**
 * Publishes results until the broker has confirmed them. What is to be sent is in the ledger, so it goes on where a dead
 * hub stopped; a result that has just been recorded is sent at once, without being read again. A result may go out twice
 * (a confirmation was lost, or not yet noted), with the same content.
 */
export class Outbox {
  readonly #bus: Bus
  readonly #parts: OutboxParts
  readonly #stopKicks: () => void
  /** on their way, or confirmed and not yet noted in the ledger */
  readonly #underway = new Map<number, Promise<void>>()
  /** what was under way at any moment since the ledger began to be read; absent: it is not being read */
  #knownToRead: Set<number> | undefined
  #confirmed: number[] = []
  #noting: NodeJS.Timeout | undefined
  #notes: Promise<void> = Promise.resolve()
  #working: Promise<void> | undefined
  #isKicked = false
  /** more waits in the ledger than may be on its way */
  #isBehind = false
  #isStopped = false
  /** what was confirmed could not be noted: sent again at once, it would go out without end */
  #isUnnoted = false
  #retry: NodeJS.Timeout | undefined

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

  /** Resolves when the ledger knows whether a result that is on its way has arrived: from then on it can be sent anew. */
  async settled(executionId: number): Promise<void> {
    await this.#underway.get(executionId)
    this.#note()
    await this.#notes
  }

  /** There is something to send in the ledger. */
  kick(): void {
    this.#isKicked = true
    if (!this.#isStopped) this.#working ??= this.#run()
  }

  /** Sends what it can at once, then stops. What is left goes out at the next start. */
  async stop(): Promise<void> {
    this.kick()
    this.#stopKicks()
    await this.#working
    this.#isStopped = true
    await Promise.all(this.#underway.values())
    this.#note()
    await this.#notes
    clearTimeout(this.#retry)
  }

  async #run(): Promise<void> {
    clearTimeout(this.#retry)
    try {
      while (this.#isKicked) {
        this.#isKicked = false
        this.#isUnnoted = false
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
    for (;;) {
      // what is under way is unpublished as well: it is read again, and left alone, also when it arrives meanwhile
      const known = new Set(this.#underway.keys())
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
      if (sent.includes(false)) return
      this.#note()
      await this.#notes
      if (this.#isUnnoted) return
    }
  }

  /** Sends one result and has its confirmation noted. Tells whether it was confirmed; tries again later if not. */
  async #deliver(item: OutboxItem): Promise<boolean> {
    const sending = this.#send(item)
    this.#knownToRead?.add(item.execution_id)
    this.#underway.set(
      item.execution_id,
      sending.then(() => {}),
    )
    const isSent = await sending
    if (isSent) {
      this.#confirmed.push(item.execution_id)
      this.#noting ??= setTimeout(() => this.#note(), gatherMs)
    } else {
      this.#underway.delete(item.execution_id)
      this.#tryLater()
    }
    return isSent
  }

  /** Writes down what was confirmed. */
  #note(): void {
    clearTimeout(this.#noting)
    this.#noting = undefined
    const confirmed = this.#confirmed
    this.#confirmed = []
    if (confirmed.length === 0) return
    this.#notes = Promise.all([
      this.#notes,
      this.#parts.markPublished(confirmed, this.#parts.now()),
    ])
      .then(() => {})
      .catch((error: unknown) => {
        // they go out once more, with the same content
        this.#isUnnoted = true
        this.#parts.log.warn('confirmed results could not be noted', { error: messageOf(error) })
        this.#tryLater()
      })
      .finally(() => {
        for (const executionId of confirmed) this.#underway.delete(executionId)
        if (!this.#isBehind) return
        this.#isBehind = false
        this.kick()
      })
  }

  async #send(item: OutboxItem): Promise<boolean> {
    const message: unknown = JSON.parse(item.result)
    try {
      if (item.stored === 0) {
        // the stream refuses what names another stream; whoever listens still gets it
        this.#bus.publish(item.subject, message, { 'Nats-Expected-Stream': 'none' })
        await this.#bus.flush()
      } else await this.#bus.store(item.subject, message)
      return true
    } catch (error) {
      this.#parts.log.warn('a result is not confirmed yet', {
        subject: item.subject,
        error: messageOf(error),
      })
      return false
    }
  }

  #tryLater(): void {
    if (this.#isStopped) return
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.kick(), retryMs)
    this.#retry.unref()
  }
}
