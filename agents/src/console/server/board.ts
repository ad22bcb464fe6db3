import {
  type ActionOutput,
  type ActionResult,
  type ActionStart,
  type ApprovalNeeded,
  historyReplySchema,
  type Logger,
  messageOf,
  type Subscription,
} from '@centralpost/shared'
import type { Operator } from '../../operator/operator.ts'
import type { TailedEvent } from '../../operator/tail.ts'
import { howItEnded, withoutOutput } from './ended-action.ts'
import {
  type ActionKey,
  type Decided,
  type EndedAction,
  type FeedMessage,
  keyOf,
  type RunningAction,
} from '../wire/feed-message.ts'
import { HubWatch } from './hub-watch.ts'
import { OutputTails } from './output-tails.ts'
import { runningBy, startedBy, withOutput } from './running-action.ts'
import { SeenAgents } from './seen-agents.ts'

/** Events on core NATS can be lost: the ledger is read again at this interval, in milliseconds. */
const syncEveryLooks = 15
const mostEnded = 200
/** The longest delay of an event behind the ledger, in milliseconds. */
const eventMs = 1_000
const denialMs = 500

/** Callbacks for changes of the board. */
export interface BoardListener {
  tell(message: FeedMessage): void
  output(key: ActionKey, chunk: ActionOutput): void
}

/**
 * The state behind the operator's pages: waiting, running and ended actions. Updated by the hub's
 * events, and compared with its ledger at the start, after every interruption and periodically.
 */
export class Board {
  readonly #operator: Operator
  readonly #log: Logger
  readonly #listeners = new Set<BoardListener>()
  readonly #pending = new Map<string, ApprovalNeeded>()
  readonly #running = new Map<string, RunningAction>()
  readonly #ended = new Map<string, EndedAction>()
  readonly #tails = new OutputTails()
  readonly #agents = new SeenAgents()
  /** arrivals and departures during a ledger read: newer than its answer */
  readonly #changedDuringSync = new Set<string>()
  readonly #hub: HubWatch
  #tail: Subscription | undefined
  #looks = 0
  #syncing: Promise<void> | undefined

  constructor(operator: Operator, log: Logger) {
    this.#operator = operator
    this.#log = log
    this.#hub = new HubWatch({
      operator,
      log,
      seen: (hub) => {
        this.#tell({ type: 'hub', hub })
        // a flood of requests must not cause a flood of list queries
        if (this.#agents.hasNews()) this.#tell({ type: 'agents', agents: this.#agents.list() })
      },
      answered: async (isBack) => {
        this.#looks += 1
        // events published meanwhile were missed
        if (isBack) this.#tell({ type: 'rules', change: null })
        if (isBack || this.#looks % syncEveryLooks === 0) await this.#sync()
      },
    })
  }

  /**
   * Subscribes to events and reads the current state. Also resolves when no hub answers; the board
   * shows that.
   */
  async start(): Promise<void> {
    this.#tail = this.#operator.tail((event) => this.#take(event))
    await this.#operator.flush()
    await this.#hub.start()
  }

  async stop(): Promise<void> {
    this.#hub.stop()
    this.#listeners.clear()
    if (this.#operator.isConnected) await this.#tail?.drain()
  }

  /** Calls `listener` for every change from now on. Returns a function that stops it. */
  listen(listener: BoardListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The complete current state, for a new page. */
  snapshot(): FeedMessage[] {
    return [
      { type: 'hub', hub: this.#hub.view },
      {
        type: 'snapshot',
        pending: [...this.#pending.values()],
        running: [...this.#running.values()],
        ended: [...this.#ended.values()].toReversed(),
        agents: this.#agents.list(),
      },
    ]
  }

  /** The end of an action's output, as far as this process has received it. */
  outputOf(key: ActionKey): ReturnType<OutputTails['read']> {
    return this.#tails.read(key)
  }

  runningOf(key: ActionKey): RunningAction | undefined {
    return this.#running.get(keyOf(key))
  }

  #sync(): Promise<void> {
    this.#syncing ??= this.#readLedger()
      .catch((error: unknown) => {
        this.#log.warn('reading the waiting and running actions failed', {
          error: messageOf(error),
        })
      })
      .finally(() => {
        this.#syncing = undefined
      })
    return this.#syncing
  }

  async #readLedger(): Promise<void> {
    this.#changedDuringSync.clear()
    this.#mergePending(await this.#operator.pending())
    const { entries } = await this.#operator.ask(
      'history',
      { status: 'running', limit: 200 },
      historyReplySchema,
    )
    const isRunning = new Set(entries.map(keyOf))
    for (const entry of entries) {
      if (this.#running.has(keyOf(entry)) || this.#changedDuringSync.has(keyOf(entry))) continue
      this.#addRunning(runningBy(entry))
    }
    for (const [key, action] of this.#running) {
      if (!isRunning.has(key) && !this.#changedDuringSync.has(key)) await this.#missedEnd(action)
    }
  }

  /** Merges the ledger's list of waiting actions, except where an event is newer. */
  #mergePending(pending: readonly ApprovalNeeded[]): void {
    const changed = (key: string): boolean => this.#changedDuringSync.has(key)
    const fresh = pending.filter((asked) => {
      const key = keyOf(asked)
      const known = this.#pending.get(key)
      const isSame = known?.digest === asked.digest && known.expires_at === asked.expires_at
      return !changed(key) && !(isSame && known.approvals.length === asked.approvals.length)
    })
    for (const asked of fresh) this.#pending.set(keyOf(asked), asked)
    if (fresh.length > 0) this.#tell({ type: 'pending', actions: fresh })
    const isPending = new Set(pending.map(keyOf))
    for (const [key, asked] of this.#pending) {
      if (isPending.has(key) || changed(key)) continue
      // the event with the operator's name may still be on its way
      this.#settleLater(asked, 'gone', null, eventMs)
    }
  }

  /** The result of an action whose end event was missed. */
  async #missedEnd(action: RunningAction): Promise<void> {
    const { result } = await this.#operator.result(action.action_id, action.agent_id)
    if (result !== null) this.#end(result)
  }

  #take(event: TailedEvent): void {
    const key = `${event.agentId}.${event.actionId}`
    switch (event.kind) {
      case 'request':
        this.#agents.saw(event.agentId, event.raw)
        return
      case 'approval_needed':
        this.#changed(key)
        this.#running.delete(key)
        this.#pending.set(key, event.message)
        this.#tell({ type: 'pending', actions: [event.message] })
        return
      case 'approved': {
        const { message } = event
        const asked = this.#pending.get(key)
        if (message.cleared) {
          if (asked) this.#settle(asked, 'approved', message.approvals.join(', '), null)
        } else if (asked) {
          this.#changed(key)
          this.#pending.set(key, { ...asked, approvals: message.approvals })
          this.#tell({ type: 'voted', key: asked, approvals: message.approvals })
        }
        return
      }
      case 'denied': {
        const asked = this.#pending.get(key)
        if (asked) this.#settle(asked, 'denied', event.message.denied_by, event.message.reason)
        return
      }
      case 'start':
        this.#start(event.message)
        return
      case 'output':
        this.#output(event.message)
        return
      case 'result':
        this.#end(event.message)
        return
      case 'rule':
        this.#tell({ type: 'rules', change: event.message })
        return
      case 'other':
    }
  }

  #start(message: ActionStart): void {
    const key = keyOf(message)
    const asked = this.#pending.get(key)
    if (asked) this.#settle(asked, 'approved', message.approved_by, null)
    this.#changed(key)
    if (this.#ended.has(key)) return
    this.#addRunning(startedBy(message))
  }

  #addRunning(action: RunningAction): void {
    this.#running.set(keyOf(action), action)
    this.#tell({ type: 'started', action })
  }

  #output(chunk: ActionOutput): void {
    const key = keyOf(chunk)
    this.#tails.push(chunk)
    const action = this.#running.get(key)
    if (action) this.#running.set(key, withOutput(action, chunk))
    for (const listener of this.#listeners) listener.output(chunk, chunk)
  }

  #end(message: ActionResult): void {
    const key = keyOf(message)
    const asked = this.#pending.get(key)
    if (asked && message.status === 'denied') {
      // the denial event names the operator, and may come after the result
      this.#settleLater(asked, 'denied', message.reason, denialMs)
    } else if (asked) this.#settle(asked, howItEnded(message), message.approved_by, message.reason)
    this.#changed(key)
    this.#running.delete(key)
    // a result may be delivered twice
    if (this.#ended.has(key)) return
    const ended = withoutOutput(message)
    this.#ended.set(key, ended)
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= mostEnded) break
      this.#ended.delete(oldest)
    }
    this.#tell({ type: 'ended', result: ended })
  }

  /** Settles the actions that no event has settled by then. */
  #settleLater(
    asked: ApprovalNeeded,
    how: Decided['how'],
    reason: string | null,
    waitMs: number,
  ): void {
    setTimeout(() => {
      if (this.#pending.get(keyOf(asked)) === asked) this.#settle(asked, how, null, reason)
    }, waitMs).unref()
  }

  #settle(
    asked: ApprovalNeeded,
    how: Decided['how'],
    by: string | null,
    reason: string | null,
  ): void {
    const { agent_id, action_id, command } = asked
    this.#changed(keyOf(asked))
    this.#pending.delete(keyOf(asked))
    const at = new Date().toISOString()
    this.#tell({
      type: 'decided',
      decided: { agent_id, action_id, command, how, by, at, reason },
    })
  }

  #changed(key: string): void {
    if (this.#syncing) this.#changedDuringSync.add(key)
  }

  #tell(message: FeedMessage): void {
    for (const listener of this.#listeners) listener.tell(message)
  }
}
