import { type ApprovalNeeded, CentralPostError } from '@centralpost/shared'
import type { Announcer } from '../central-post-parts.ts'
import { about, conclude, type ConcludeParts } from '../conclude.ts'
import { Deadlines } from '../deadlines.ts'
import type { CommandExecution } from '../history/schema.ts'
import { approvalNeededOf, deniedOf, isoOf } from '../messages.ts'
import { earliest } from '../rows.ts'

/** Who decides, as the broker has authenticated them, and what they say to it. */
export interface Decision {
  readonly by: string
  readonly reason?: string | undefined
  readonly suggestion?: string | undefined
}

export interface ApprovalDeskParts extends ConcludeParts {
  readonly announce: Announcer
  readonly limits: { readonly executeWithinMs: number }
  readonly now: () => number
  /** hands an approved action on to run */
  readonly release: (row: CommandExecution) => void
}

/**
 * Where REVIEW actions wait for a person. Two clocks run, both absolute and both in the ledger, so that they survive
 * a restart: until `deadline` a pending action may be decided, and an approved one must have started. Decisions are
 * compare-and-set: one wins, the others are told who won and when.
 */
export class ApprovalDesk {
  readonly #parts: ApprovalDeskParts
  readonly #deadlines: Deadlines

  constructor(parts: ApprovalDeskParts) {
    this.#parts = parts
    this.#deadlines = new Deadlines(parts.now, (executionId) => {
      this.#expire(executionId).catch((error: unknown) => {
        parts.log.error('an expiry could not be recorded', { executionId, error })
        this.#deadlines.set(executionId, parts.now() + 1000)
      })
    })
  }

  /** Asks for a decision on a pending action. */
  requestApproval(row: CommandExecution): void {
    if (row.deadline !== null) this.watch(row.execution_id, row.deadline)
    this.#parts.announce.approvalNeeded(approvalNeededOf(row))
  }

  /** Expires an action that still waits at `deadline` (milliseconds since 1970), for a person or for its start. */
  watch(executionId: number, deadline: number): void {
    this.#deadlines.set(executionId, deadline)
  }

  /** What waits for a person, oldest first, exactly as it was shown. */
  async pending(): Promise<ApprovalNeeded[]> {
    return (await this.#parts.ledger.inState('pending')).map(approvalNeededOf)
  }

  /**
   * Clears a pending action to run, exactly as it was shown.
   *
   * @param digest what the operator was shown, when they say so; another one clears nothing
   * @throws {CentralPostError} `conflict` when the digest differs, somebody decided before, or the time is over
   */
  async approve(
    row: CommandExecution,
    decision: Decision,
    digest?: string,
  ): Promise<CommandExecution> {
    const { ledger, now, limits, log, release } = this.#parts
    if (digest !== undefined && digest !== row.digest) {
      throw new CentralPostError(
        'conflict',
        `digest: ${digest} is not what waits under ${row.action_id} (${String(row.digest)}); look at it again`,
      )
    }
    const at = now()
    if (row.status === 'pending' && row.deadline !== null && at >= row.deadline) {
      await this.#expire(row.execution_id)
    }
    const deadline = earliest(at + limits.executeWithinMs, row.expires_at)
    const isMine = await ledger.step(row.execution_id, {
      from: ['pending'],
      to: 'queued',
      at,
      changes: {
        approved_by: decision.by,
        decided_by: decision.by,
        approval_timestamp: at,
        deadline,
      },
      told: {
        kind: 'approved',
        data: { by: decision.by, digest: row.digest, comment: decision.reason ?? null },
      },
    })
    if (!isMine) throw await this.decidedBefore(row.execution_id)
    log.info('approved', { ...about(row), by: decision.by })
    this.watch(row.execution_id, deadline)
    const approved = await ledger.get(row.execution_id)
    release(approved)
    return approved
  }

  /**
   * Refuses a pending action; the reason reaches the agent.
   *
   * @throws {CentralPostError} `conflict` when somebody decided before; says who won and when
   */
  async deny(
    row: CommandExecution,
    decision: Decision & { readonly reason: string },
  ): Promise<CommandExecution> {
    const { by, reason, suggestion = null } = decision
    const at = this.#parts.now()
    const isMine = await conclude(
      this.#parts,
      row,
      ['pending'],
      { status: 'denied', at, reason, suggestion },
      { kind: 'denied', data: { by, reason, suggestion } },
      { decided_by: by, approval_timestamp: at },
    )
    if (!isMine) throw await this.decidedBefore(row.execution_id)
    this.#deadlines.clear(row.execution_id)
    this.#parts.announce.denied(deniedOf(row, { by, reason, suggestion, at }))
    return this.#parts.ledger.get(row.execution_id)
  }

  /** The error for whoever comes too late: what was decided, by whom and when. */
  async decidedBefore(executionId: number): Promise<CentralPostError> {
    const row = await this.#parts.ledger.get(executionId)
    const when = row.approval_timestamp ?? row.finished_at ?? row.execution_timestamp
    const by = row.decided_by === null ? '' : ` by ${row.decided_by}`
    const at = when === null ? '' : ` at ${isoOf(when)}`
    return new CentralPostError('conflict', `${row.action_id} is ${row.status} already${by}${at}`, {
      details: {
        action_id: row.action_id,
        agent_id: row.agent_id,
        state: row.status,
        decided_by: row.decided_by,
        decided_at: when === null ? null : isoOf(when),
      },
    })
  }

  /** Forgets the clocks; they are in the ledger. */
  stop(): void {
    this.#deadlines.clearAll()
  }

  async #expire(executionId: number): Promise<void> {
    const row = await this.#parts.ledger.get(executionId)
    const at = this.#parts.now()
    if (row.deadline === null || at < row.deadline) return
    const reason =
      row.status === 'pending'
        ? `nobody decided until ${isoOf(row.deadline)}`
        : `it was cleared, but did not start until ${isoOf(row.deadline)}`
    await conclude(
      this.#parts,
      row,
      ['pending', 'queued'],
      { status: 'expired', at, reason },
      { kind: 'expired', data: { was: row.status, deadline: row.deadline } },
    )
  }
}
