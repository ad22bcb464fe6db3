import type { ActionResult, ActionState, HubStatus } from '@centralpost/shared'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ActionObserver, ObservedAction } from './action-observer.ts'

/** Values that the hub supplies at each scrape. */
export interface Scraped {
  readonly status: () => Promise<HubStatus>
  /** request time of the oldest pending action, in milliseconds since 1970; null when none waits */
  readonly oldestPending: () => Promise<number | null>
  readonly isBrokerConnected: () => boolean
  readonly now: () => number
}

/** Limit of agents with their own series; further names count as one. */
const mostAgents = 50
const otherAgents = '_other'

/** From a quick command to the longest allowed one, in seconds. */
const runBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 600]
/** From an attentive operator to the end of the usual wait, in seconds. */
const waitBuckets = [1, 5, 15, 30, 60, 120, 300, 900, 3600]
const quickBuckets = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

type Decided = 'approved' | 'denied' | 'expired' | 'cancelled' | 'other'

interface Standing {
  readonly state: ActionState
  readonly since: number
}

/**
 * The hub's metrics for Prometheus: counted from ledger events, and sampled at each scrape. Text
 * chosen by agents never becomes a label, except a bounded number of agent names.
 */
export class HubMetrics implements ActionObserver {
  readonly #registry = new Registry()
  readonly #standing = new Map<number, Standing>()
  readonly #agents = new Set<string>()
  readonly #requests = this.#counter(
    'requests_total',
    'Requests taken in, by level of their verdict',
    ['level'],
  )
  readonly #repeats = this.#counter(
    'repeated_requests_total',
    'Requests that started nothing: repeats, conflicting ids, or too many pending',
    ['outcome'],
  )
  readonly #byAgent = this.#counter(
    'agent_requests_total',
    `Requests by agent; agents beyond the first ${mostAgents} count as "${otherAgents}"`,
    ['agent'],
  )
  readonly #results = this.#counter('results_total', 'Ended actions, by status', [
    'status',
    'error_category',
  ])
  readonly #published = this.#counter(
    'published_results_total',
    'Results that the broker confirmed',
  )
  readonly #runs = this.#histogram(
    'command_duration_seconds',
    'Run times of commands',
    ['status'],
    runBuckets,
  )
  readonly #approvals = this.#histogram(
    'approval_wait_seconds',
    'Waiting times for approval, by outcome',
    ['decision'],
    waitBuckets,
  )
  readonly #queueing = this.#histogram(
    'queue_wait_seconds',
    'Queue times of cleared actions',
    [],
    quickBuckets,
  )
  readonly #writes = this.#histogram(
    'ledger_write_seconds',
    'Durations of ledger writes',
    [],
    quickBuckets,
  )

  readonly #info = this.#gauge('build_info', 'Identifies this hub; always 1', ['version', 'hub_id'])
  readonly #broker = this.#gauge('broker_connected', 'Whether the hub is connected to its broker')
  readonly #database = this.#gauge('database_up', 'Whether the database answered this scrape')
  readonly #running = this.#gauge('running_actions', 'Running commands')
  readonly #slots = this.#gauge('run_slots', 'Slots: commands that may run at the same time')
  readonly #queued = this.#gauge('queued_actions', 'Queued actions')
  readonly #pending = this.#gauge('pending_approvals', 'Actions waiting for approval')
  readonly #oldest = this.#gauge(
    'oldest_pending_approval_age_seconds',
    'Waiting time of the oldest of them; 0 without any',
  )
  readonly #backlog = this.#gauge(
    'unpublished_results',
    'Results that the broker has not confirmed yet',
  )
  readonly #scraped: Scraped

  constructor(scraped: Scraped) {
    this.#scraped = scraped
    // memory, CPU and event-loop lag
    collectDefaultMetrics({ register: this.#registry })
  }

  /** All metrics, in Prometheus' text format. */
  async text(): Promise<{ readonly type: string; readonly body: string }> {
    await this.#look()
    return { type: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  takenIn({ executionId, agentId, level, state, at }: ObservedAction): void {
    // bad input was never judged
    this.#requests.inc({ level: level ?? 'none' })
    this.#byAgent.inc({ agent: this.#label(agentId) })
    if (state === 'pending' || state === 'queued')
      this.#standing.set(executionId, { state, since: at })
  }

  repeated(outcome: 'known' | 'conflict' | 'full'): void {
    this.#repeats.inc({ outcome })
  }

  stepped(executionId: number, to: ActionState, at: number): void {
    this.#leave(executionId, 'approved', at)
    this.#standing.set(executionId, { state: to, since: at })
  }

  ended(executionId: number, result: ActionResult): void {
    const { status, error_category: category, duration } = result
    this.#results.inc({ status, error_category: category ?? 'none' })
    if (duration !== null && result.reused_from === null) this.#runs.observe({ status }, duration)
    const isDecision = status === 'denied' || status === 'expired' || status === 'cancelled'
    this.#leave(executionId, isDecision ? status : 'other', Date.parse(result.finished_at))
    this.#standing.delete(executionId)
  }

  published(executionIds: readonly number[]): void {
    this.#published.inc(executionIds.length)
  }

  wrote(seconds: number): void {
    this.#writes.observe(seconds)
  }

  #leave(executionId: number, decision: Decided, at: number): void {
    const standing = this.#standing.get(executionId)
    if (standing === undefined) return
    const seconds = Math.max(0, at - standing.since) / 1000
    if (standing.state === 'pending') this.#approvals.observe({ decision }, seconds)
    else if (standing.state === 'queued') this.#queueing.observe(seconds)
  }

  #label(agentId: string): string {
    if (this.#agents.has(agentId)) return agentId
    if (this.#agents.size >= mostAgents) return otherAgents
    this.#agents.add(agentId)
    return agentId
  }

  /** Samples the hub's current state. Database values are absent while it does not answer. */
  async #look(): Promise<void> {
    const { status, oldestPending, isBrokerConnected, now } = this.#scraped
    this.#broker.set(Number(isBrokerConnected()))
    try {
      const [seen, since] = await Promise.all([status(), oldestPending()])
      this.#info.set({ version: seen.version, hub_id: seen.hub_id }, 1)
      this.#running.set(seen.running)
      this.#slots.set(seen.slots)
      this.#queued.set(seen.queued)
      this.#pending.set(seen.pending)
      this.#oldest.set(since === null ? 0 : Math.max(0, now() - since) / 1000)
      this.#backlog.set(seen.unpublished)
      this.#database.set(1)
    } catch {
      this.#database.set(0)
    }
  }

  #counter<T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({
      name: `centralpost_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
    })
  }

  #gauge<T extends string>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `centralpost_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram<T extends string>(
    name: string,
    help: string,
    labelNames: T[],
    buckets: number[],
  ): Histogram<T> {
    return new Histogram({
      name: `centralpost_${name}`,
      help,
      labelNames,
      buckets,
      registers: [this.#registry],
    })
  }
}
