import { type ApprovalNeeded, isCentralPostError, type ResultReply } from '@centralpost/shared'
import type { Operator } from './operator.ts'
import type { TailedEvent } from './tail.ts'

/** How often the full list is read from the hub, in milliseconds. */
const refreshMs = 5_000
const retryMs = 500

/** The end of an action's wait. */
export interface Gone {
  readonly outcome: 'approved' | 'denied' | 'expired' | 'cancelled' | 'ended'
  /** the operator who decided, if known */
  readonly by: string | null
  readonly reason: string | null
}

export type PendingChange =
  | { readonly kind: 'arrived' | 'changed'; readonly asked: ApprovalNeeded }
  | { readonly kind: 'gone'; readonly asked: ApprovalNeeded; readonly gone: Gone }
  /** `lost`: broker or hub is away, and the list may be stale; `back`: it is current again */
  | { readonly kind: 'lost' | 'back' }

export interface PendingFilter {
  readonly agentId?: string
  readonly workflowId?: string
}

/** Called for a change, with the resulting list, oldest first. */
export type TellPending = (change: PendingChange, pending: readonly ApprovalNeeded[]) => void

/** Identifies a pending action: agents choose their ids, so two may choose the same. */
export const pendingKeyOf = (asked: Pick<ApprovalNeeded, 'agent_id' | 'action_id'>): string =>
  `${asked.agent_id}/${asked.action_id}`

/**
 * The list of actions waiting for approval. Updated by the hub's events, and read again
 * periodically and after every reconnect, to catch up on missed events.
 */
export class PendingWatch {
  readonly #operator: Operator
  readonly #filter: PendingFilter
  readonly #tell: (change: PendingChange) => void
  readonly #waiting = new Map<string, ApprovalNeeded>()
  /** actions that ended during a list query, whose answer may still name them */
  #ended = new Set<string>()
  #arrived = new Set<string>()
  #isUpToDate = true
  #isClosed = false
  #isAsking = false
  #timer: NodeJS.Timeout | undefined
  readonly #stack = new AsyncDisposableStack()

  private constructor(operator: Operator, filter: PendingFilter, tell: TellPending) {
    this.#operator = operator
    this.#filter = filter
    this.#tell = (change) => tell(change, this.pending)
  }

  /**
   * Starts watching; reports already waiting actions as arrived before it resolves.
   *
   * @param tell called for every change, after `pending` reflects it
   * @throws {CentralPostError} `unavailable` when no hub answers, `forbidden`
   */
  static async open(
    operator: Operator,
    filter: PendingFilter,
    tell: TellPending,
  ): Promise<PendingWatch> {
    const watch = new PendingWatch(operator, filter, tell)
    const tail = operator.tail((event) => watch.#receive(event), {
      kinds: [
        'SYSTEM_ACTION_APPROVAL_NEEDED',
        'SYSTEM_ACTION_APPROVED',
        'SYSTEM_ACTION_DENIED',
        'SYSTEM_ACTION_START',
        'SYSTEM_ACTION_RESULT',
      ],
      ...(filter.agentId !== undefined && { agentId: filter.agentId }),
    })
    watch.#stack.defer(() => tail.drain())
    watch.#stack.defer(operator.onDisconnect(() => watch.#lose()))
    watch.#stack.defer(operator.onReconnect(() => watch.refresh()))
    try {
      await watch.#ask()
    } catch (error) {
      await watch.close()
      throw error
    }
    watch.#schedule(refreshMs)
    return watch
  }

  /** Oldest first. */
  get pending(): readonly ApprovalNeeded[] {
    return [...this.#waiting.values()].toSorted((a, b) => a.execution_id - b.execution_id)
  }

  /** Whether broker and hub answered the last query. */
  get isUpToDate(): boolean {
    return this.#isUpToDate
  }

  /** Removes an action that this operator has decided, without reporting it as gone. */
  decided(asked: ApprovalNeeded): void {
    this.#waiting.delete(pendingKeyOf(asked))
    this.#ended.add(pendingKeyOf(asked))
  }

  /** Reads the full list from the hub now. */
  refresh(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    void this.#askAgain().finally(() => {
      this.#isAsking = false
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#stack.disposeAsync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #askAgain(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    try {
      await this.#ask()
      if (!this.#isUpToDate) {
        this.#isUpToDate = true
        this.#tell({ kind: 'back' })
      }
      this.#schedule(refreshMs)
    } catch {
      // reported as lost; retried until the hub answers
      this.#lose()
      this.#schedule(retryMs)
    }
  }

  #schedule(milliseconds: number): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.refresh(), milliseconds)
  }

  #lose(): void {
    if (!this.#isUpToDate || this.#isClosed) return
    this.#isUpToDate = false
    this.#tell({ kind: 'lost' })
  }

  async #ask(): Promise<void> {
    const before = new Set(this.#waiting.keys())
    this.#ended = new Set()
    this.#arrived = new Set()
    const all = await this.#operator.pending(this.#filter)
    if (this.#isClosed) return
    for (const asked of all) if (!this.#ended.has(pendingKeyOf(asked))) this.#put(asked)
    const there = new Set(all.map(pendingKeyOf))
    for (const key of before) {
      const asked = this.#waiting.get(key)
      if (asked === undefined || there.has(key) || this.#arrived.has(key)) continue
      this.#remove(asked, await this.#whatBecameOf(asked))
    }
  }

  #receive(event: TailedEvent): void {
    if (event.kind === 'approval_needed') {
      if (!this.#belongs(event.message)) return
      this.#arrived.add(pendingKeyOf(event.message))
      this.#ended.delete(pendingKeyOf(event.message))
      this.#put(event.message)
      return
    }
    const key = `${event.agentId}/${event.actionId}`
    const asked = this.#waiting.get(key)
    if (event.kind === 'approved' && !event.message.cleared) {
      // one of several required approvals
      if (asked) this.#put({ ...asked, approvals: event.message.approvals })
      return
    }
    this.#ended.add(key)
    const gone = asked && goneOf(event)
    if (asked && gone) this.#remove(asked, gone)
  }

  #belongs(asked: ApprovalNeeded): boolean {
    const { workflowId } = this.#filter
    return workflowId === undefined || asked.workflow_id === workflowId
  }

  #put(asked: ApprovalNeeded): void {
    const known = this.#waiting.get(pendingKeyOf(asked))
    this.#waiting.set(pendingKeyOf(asked), asked)
    if (known === undefined) this.#tell({ kind: 'arrived', asked })
    else if (known.digest !== asked.digest || known.approvals.length !== asked.approvals.length) {
      this.#tell({ kind: 'changed', asked })
    }
  }

  #remove(asked: ApprovalNeeded, gone: Gone): void {
    if (this.#waiting.delete(pendingKeyOf(asked))) this.#tell({ kind: 'gone', asked, gone })
  }

  async #whatBecameOf(asked: ApprovalNeeded): Promise<Gone> {
    try {
      return goneAs(await this.#operator.result(asked.action_id, asked.agent_id))
    } catch (error) {
      if (isCentralPostError(error) && error.code === 'not_found') {
        return { outcome: 'ended', by: null, reason: null }
      }
      throw error
    }
  }
}

function goneOf(event: TailedEvent): Gone | null {
  if (event.kind === 'denied') {
    const { denied_by: by, reason } = event.message
    return { outcome: 'denied', by, reason }
  }
  if (event.kind === 'approved' || event.kind === 'start') {
    return { outcome: 'approved', by: event.message.approved_by, reason: null }
  }
  if (event.kind !== 'result') return null
  const { status, approved_by: by, reason } = event.message
  // the denial message names the operator; it may come before or after the result
  if (status === 'denied') return null
  const outcome = status === 'expired' || status === 'cancelled' ? status : 'ended'
  return { outcome, by, reason }
}

/** The reason derived from its state, when its messages were missed. */
function goneAs({ state, result }: ResultReply): Gone {
  if (state === 'queued' || state === 'running') {
    return { outcome: 'approved', by: null, reason: null }
  }
  const by = result?.approved_by ?? null
  const reason = result?.reason ?? null
  if (state === 'denied' || state === 'expired' || state === 'cancelled') {
    return { outcome: state, by, reason }
  }
  return { outcome: by === null ? 'ended' : 'approved', by, reason }
}
