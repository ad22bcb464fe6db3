import { conclude, type ConcludeParts } from '../action/end-action.ts'
import { Deadlines } from './deadlines.ts'
import type { Execution } from '../history/store/execution.ts'
import { isoOf } from '@centralpost/shared'

/** Behind other commands an approved action stands in line for so many times `execute_within`, and no longer. */
const mostTimesInLine = 20

export interface WaitingClocksParts extends ConcludeParts {
  readonly limits: { readonly pendingMs: number; readonly executeWithinMs: number }
  readonly now: () => number
  /** whether an action stands in line because every place to run at is taken */
  readonly isInLine: (executionId: number) => boolean
}

/**
 * The clocks of what waits: until `deadline` a pending action may be decided, and an approved one must have started.
 * Both are absolute and in the ledger, so that they survive a restart. A busy hub is not the approver's fault: what
 * stands in line at its deadline may start later, up to a bound, unless the hub was away in between.
 */
export class WaitingClocks {
  readonly #parts: WaitingClocksParts
  readonly #deadlines: Deadlines
  /** approved in time by this hub, and how long each may stand in line, by the monotonic clock */
  readonly #inTime = new Map<number, number>()
  /** when `expires_at` has come, by the monotonic clock, as it was when this hub first saw the action */
  readonly #expiries = new Map<number, number>()

  constructor(parts: WaitingClocksParts) {
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.now, (executionId, deadline) => {
      this.#over(executionId, deadline).catch((error: unknown) => {
        parts.log.error('an expiry could not be recorded', { executionId, error })
        this.#deadlines.again(executionId, deadline, 1000)
      })
    })
  }

  /**
   * Expires an action that still waits at its deadline, for a person or for its start. A clock that is set back gives
   * neither of them longer than they have, and the agent's own `expires_at` no later end.
   *
   * @param leftMs how long it has at most, in milliseconds
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

  /** Whether the deadline of an action is waited for. */
  isWatched(executionId: number): boolean {
    return this.#deadlines.has(executionId)
  }

  /** Whether an action that was cleared may not start any more. */
  isOver({ execution_id: executionId, deadline }: Execution): boolean {
    if (performance.now() >= (this.#expiries.get(executionId) ?? Infinity)) return true
    if (deadline === null || this.#parts.now() < deadline) return false
    return !this.#mayStandInLine(executionId)
  }

  /** Drops the clock of an action that has started or ended. */
  forget(executionId: number): void {
    this.#deadlines.clear(executionId)
    this.#inTime.delete(executionId)
    this.#expiries.delete(executionId)
  }

  /** Forgets the clocks; they are in the ledger. */
  stop(): void {
    this.#deadlines.clearAll()
    this.#inTime.clear()
    this.#expiries.clear()
  }

  /**
   * Ends an action whose time is over.
   *
   * @param deadline the one that is over; an action that has another one by now goes on
   */
  async expire(executionId: number, deadline: number): Promise<void> {
    const row = await this.#parts.ledger.get(executionId)
    const mayExpire = row.status === 'pending' || row.status === 'queued'
    if (!mayExpire || row.deadline !== deadline) return
    const reason =
      row.status === 'pending'
        ? `nobody decided until ${isoOf(deadline)}`
        : `it was cleared, but did not start until ${isoOf(this.#parts.now())}`
    const isMine = await conclude(
      this.#parts,
      row,
      [row.status],
      { status: 'expired', at: this.#parts.now(), reason },
      { kind: 'expired', data: { was: row.status, deadline } },
      {},
      { deadline },
    )
    if (isMine) this.forget(executionId)
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
