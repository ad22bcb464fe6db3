import { type HubStatus, type Logger, messageOf } from '@centralpost/shared'
import type { Operator } from '../../operator/operator.ts'
import type { HubView } from '../wire/feed-message.ts'

const lookMs = 2_000

export interface HubWatchParts {
  readonly operator: Operator
  readonly log: Logger
  /** called after every check */
  readonly seen: (view: HubView) => void
  /** called when a hub answers; `isBack` after an outage of hub or broker */
  readonly answered: (isBack: boolean) => Promise<void>
}

/** Polls the hub's status every two seconds, and tracks its clock. */
export class HubWatch {
  readonly #parts: HubWatchParts
  #view: Omit<HubView, 'hub_now'> = {
    state: 'hub-away',
    hubs: [],
    since: new Date().toISOString(),
  }
  /** the hub's clock minus this process's monotonic clock, in milliseconds */
  #clockOffset: number | null = null
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(parts: HubWatchParts) {
    this.#parts = parts
  }

  /** Resolves after the first check, even if no hub answers. */
  async start(): Promise<void> {
    this.#parts.operator.onReconnect(() => void this.#look(true))
    await this.#look(true)
    this.#plan()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  get view(): HubView {
    const hubNow = this.#clockOffset === null ? null : performance.now() + this.#clockOffset
    return { ...this.#view, hub_now: hubNow }
  }

  #plan(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.#look(false).finally(() => this.#plan()), lookMs)
  }

  async #look(wasCut: boolean): Promise<void> {
    const { operator, log, answered } = this.#parts
    const asked = performance.now()
    let hubs: readonly HubStatus[] | undefined
    try {
      if (operator.isConnected) hubs = await operator.hubs()
    } catch (error) {
      log.debug('no hub answers', { error: messageOf(error) })
    }
    if (this.#isStopped) return
    if (hubs === undefined) {
      this.#show(operator.isConnected ? 'hub-away' : 'broker-away', this.#view.hubs)
      return
    }
    const time = Date.parse(hubs[0]?.time ?? '')
    // the answer is half a round trip old
    if (!Number.isNaN(time)) this.#clockOffset = time - (asked + performance.now()) / 2
    const wasAway = this.#view.state !== 'up'
    this.#show('up', hubs)
    await answered(wasCut || wasAway)
  }

  #show(state: HubView['state'], hubs: readonly HubStatus[]): void {
    const since = state === this.#view.state ? this.#view.since : new Date().toISOString()
    this.#view = { state, hubs, since }
    this.#parts.seen(this.view)
  }
}
