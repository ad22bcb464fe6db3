import { endAction, type EndActionParts } from '../action/end-action.ts'
import { Deadlines } from './deadlines.ts'
import type { Execution } from '../history/store/execution.ts'
import { isoOf } from '@centralpost/shared'

/** Multiple of `execute_within` that an approved action may wait in the queue. */
const mostTimesInLine = 20

export interface WaitingClocksParts extends EndActionParts {
  readonly limits: { readonly pendingMs: number; readonly executeWithinMs: number }
  readonly now: () => number
  /** whether an action waits in the queue for a slot */
  readonly isInLine: (executionId: number) => boolean
}

/**
 * The timers of waiting actions: `deadline` ends a decision's time, and the time of an approved
 * action to start. Deadlines are absolute and in the ledger, so that they survive a restart. A busy
 * hub must not void approvals: a queued action may start later, up to a bound, unless the hub was
 * away in between.
 */
export class WaitingClocks {
  readonly #parts: WaitingClocksParts
  readonly #deadlines: Deadlines
  /** actions approved in time by this hub, with their maximal queue time, by the monotonic clock */
  readonly #inTime = new Map<number, number>()
  /** `expires_at` by the monotonic clock, as of the hub's first sight of the action */
  readonly #expiries = new Map<number, number>()

  constructor(parts: WaitingClocksParts) {
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.now, (executionId, deadline) => {
      this.#over(executionId, deadline).catch((error: unknown) => {
        parts.log.error('recording an expiry failed', { executionId, error })
        this.#deadlines.again(executionId, deadline, 1000)
      })
    })
  }

  /**
   * Expires an action that still waits at its deadline, for approval or start. A clock that is set
   * back extends neither, nor the agent's own `expires_at`.
   *
   * @param leftMs maximal remaining time, in milliseconds
   */
  watch(row: Execution, leftMs = Number.POSITIVE_INFINITY): void {
    const { execution_id: executionId, deadline, expires_at: expiresAt, status } = row
    if (deadline === null) return
    const { pendingMs, executeWithinMs } = this.#parts.limits
    const withinMs = status === 'pending' ? pendingMs : executeWithinMs
    const isFixed = deadline === expiresAt
    const mostMs = Math.min(leftMs, this.#expiresIn(executionId, expiresAt))
    this.#deadlines.set(executionId, deadline, isFixed ? mostMs : Math.min(withinMs, mostMs))
    if (status === 'queued' && !isFixed && this.#parts.now() < deadline) {
      this.#inTime.set(executionId, performance.now() + executeWithinMs * mostTimesInLine)
    }
  }

  /** Whether a timer runs for an action's deadline. */
  isWatched(executionId: number): boolean {
    return this.#deadlines.has(executionId)
  }

  /** Whether a cleared action may no longer start. */
  isOver({ execution_id: executionId, deadline }: Execution): boolean {
    if (performance.now() >= (this.#expiries.get(executionId) ?? Infinity)) return true
    if (deadline === null || this.#parts.now() < deadline) return false
    return !this.#mayStandInLine(executionId)
  }

  /** Drops the timer of a started or ended action. */
  forget(executionId: number): void {
    this.#deadlines.clear(executionId)
    this.#inTime.delete(executionId)
    this.#expiries.delete(executionId)
  }

  /** Drops all timers; the deadlines stay in the ledger. */
  stop(): void {
    this.#deadlines.clearAll()
    this.#inTime.clear()
    this.#expiries.clear()
  }

  /**
   * Expires an action.
   *
   * @param deadline the one that has passed; an action with a newer deadline goes on
   */
  async expire(executionId: number, deadline: number): Promise<void> {
    const row = await this.#parts.ledger.get(executionId)
    const mayExpire = row.status === 'pending' || row.status === 'queued'
    if (!mayExpire || row.deadline !== deadline) return
    const reason =
      row.status === 'pending'
        ? `no decision until ${isoOf(deadline)}`
        : `cleared, but not started by ${isoOf(this.#parts.now())}`
    const applied = await endAction(
      this.#parts,
      row,
      [row.status],
      { status: 'expired', at: this.#parts.now(), reason },
      { kind: 'expired', data: { was: row.status, deadline } },
      {},
      { deadline },
    )
    if (applied) this.forget(executionId)
  }

  async #over(executionId: number, deadline: number): Promise<void> {
    const { isInLine, limits } = this.#parts
    if (isInLine(executionId) && this.#mayStandInLine(executionId)) {
      this.#deadlines.again(executionId, deadline, limits.executeWithinMs)
    } else await this.expire(executionId, deadline)
  }

  #expiresIn(executionId: number, expiresAt: number | null): number {
    if (expiresAt === null) return Infinity
    const now = performance.now()
    const at = this.#expiries.get(executionId) ?? now + Math.max(0, expiresAt - this.#parts.now())
    this.#expiries.set(executionId, at)
    return at - now
  }

  #mayStandInLine(executionId: number): boolean {
    return performance.now() < (this.#inTime.get(executionId) ?? 0)
  }
}
