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

/**
 * Publishes results until the broker has confirmed them. It keeps nothing: what is to be sent is in the ledger, so it
 * goes on where a dead hub stopped. A result may go out twice (a confirmation was lost), with the same content.
 */
export class Outbox {
  readonly #bus: Bus
  readonly #parts: OutboxParts
  readonly #stopKicks: () => void
  #working: Promise<void> | undefined
  #isKicked = false
  #isStopped = false
  #retry: NodeJS.Timeout | undefined

  constructor(bus: Bus, parts: OutboxParts) {
    this.#bus = bus
    this.#parts = parts
    this.#stopKicks = bus.onReconnect(() => this.kick())
  }

  /** There is something to send. */
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
    clearTimeout(this.#retry)
  }

  async #run(): Promise<void> {
    clearTimeout(this.#retry)
    try {
      while (this.#isKicked) {
        this.#isKicked = false
        if (!(await this.#sendAll())) break
      }
    } catch (error) {
      this.#parts.log.error('the outbox cannot be read', { error })
      this.#tryLater()
    } finally {
      this.#working = undefined
    }
  }

  async #sendAll(): Promise<boolean> {
    for (;;) {
      const items = await this.#parts.unpublished(64)
      if (items.length === 0) return true
      const sent = await Promise.all(items.map((item) => this.#send(item)))
      const done = items.filter((_, index) => sent[index]).map((item) => item.execution_id)
      if (done.length > 0) await this.#parts.markPublished(done, this.#parts.now())
      if (done.length < items.length) {
        this.#tryLater()
        return false
      }
    }
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
    this.#retry = setTimeout(() => this.kick(), 1000)
    this.#retry.unref()
  }
}
