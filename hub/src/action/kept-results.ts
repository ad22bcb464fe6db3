import { type Bus, type Logger, messageOf, resultStream, trimStream } from '@centralpost/shared'

export interface KeptResultsParts {
  readonly bus: Bus
  /** removes results of actions that ended before a moment, in milliseconds since 1970; tells how many */
  readonly putAway: (before: number) => Promise<number>
  /** how long the ledger keeps results, in milliseconds */
  readonly maxAgeMs: number
  /** how much the broker may keep of them */
  readonly maxBytes: number
  readonly now: () => number
  readonly log: Logger
}

const brokerEveryMs = 10_000
const ledgerEveryMs = 600_000

/**
 * Keeps stored results within their limits: the broker's by size (the stream itself enforces their
 * age), the ledger's by age.
 */
export class KeptResults {
  readonly #parts: KeptResultsParts
  readonly #timers: readonly NodeJS.Timeout[]
  readonly #working = new Map<string, Promise<void>>()
  #isStopped = false

  constructor(parts: KeptResultsParts) {
    this.#parts = parts
    const atBroker = (): void => this.#look('at the broker', () => this.#trim())
    const inLedger = (): void => this.#look('in the ledger', () => this.#putAway())
    this.#timers = [
      setInterval(atBroker, brokerEveryMs).unref(),
      setInterval(inLedger, ledgerEveryMs).unref(),
    ]
    atBroker()
    inLedger()
  }

  /** Resolves when nothing is being removed. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#working.values())
  }

  #look(where: string, work: () => Promise<void>): void {
    if (this.#isStopped || this.#working.has(where)) return
    const working = work()
      .catch((error: unknown) => {
        const { log } = this.#parts
        log.warn('old results could not be removed', { where, error: messageOf(error) })
      })
      .finally(() => this.#working.delete(where))
    this.#working.set(where, working)
  }

  async #trim(): Promise<void> {
    const { bus, maxBytes, log } = this.#parts
    if (!bus.isConnected) return
    const removed = await trimStream(bus, resultStream, maxBytes)
    if (removed > 0) log.info('the oldest results were removed from the broker', { removed })
  }

  async #putAway(): Promise<void> {
    const { putAway, maxAgeMs, now, log } = this.#parts
    const removed = await putAway(now() - maxAgeMs)
    if (removed > 0) log.info('outputs of old actions were removed from the ledger', { removed })
  }
}
