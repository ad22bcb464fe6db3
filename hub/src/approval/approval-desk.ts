import {
  type ApprovalNeeded,
  CentralPostError,
  type RiskLevel,
  type Verdict,
} from '@centralpost/shared'
import { readVerdict } from '../action.ts'
import { about, conclude, type ConcludeParts } from '../conclude.ts'
import { Deadlines } from '../deadlines.ts'
import type { ApprovalStore } from '../history/approval-store.ts'
import type { CommandExecution } from '../history/schema.ts'
import {
  type Announcer,
  approvalNeededOf,
  approvedOf,
  deniedOf,
  isoOf,
  isOwnActionOf,
} from '../messages.ts'
import { earliest } from '../rows.ts'
import { checkOneIsEnough, checkOwn } from './may-approve.ts'
import { Proposals } from './proposals.ts'
import { type Always, RuleBook } from './rule-book.ts'

/** How many pending actions are looked at for one page. */
export const pendingPage = 200

/** Who decides, as the broker has authenticated them, and what they say to it. */
export interface Decision {
  readonly by: string
  readonly reason?: string | undefined
  readonly suggestion?: string | undefined
}

export interface ApprovalLimits {
  readonly pendingMs: number
  readonly executeWithinMs: number
  readonly pendingPerAgent: number
  /** so many denials by persons within `coolDownMs`, and the agent must wait before it may ask again */
  readonly denialsToCoolDown: number
  readonly coolDownMs: number
  /** how many operators must approve, by risk */
  readonly quorum: Readonly<Record<RiskLevel, number>>
  readonly ruleMs: number
  readonly maxRuleMs: number
  /** whether an operator may approve what they asked for themselves, as the agent `operator-<name>` */
  readonly selfApproval: () => Promise<boolean>
}

export interface ApprovalDeskParts extends ConcludeParts {
  readonly approvals: ApprovalStore
  readonly announce: Announcer
  readonly limits: ApprovalLimits
  readonly now: () => number
  /** hands an approved action on to run */
  readonly release: (row: CommandExecution) => void
}

export interface Decided {
  readonly row: CommandExecution
  readonly approvals: readonly string[]
  readonly needed: number
  readonly ruleId: string | null
}

/**
 * Where REVIEW actions wait for a person. Two clocks run, both absolute and both in the ledger, so that they survive
 * a restart: until `deadline` a pending action may be decided, and an approved one must have started. Decisions are
 * compare-and-set: one wins, the others are told who won and when.
 */
export class ApprovalDesk {
  readonly rules: RuleBook
  readonly proposals: Proposals
  readonly #parts: ApprovalDeskParts
  readonly #deadlines: Deadlines

  constructor(parts: ApprovalDeskParts) {
    this.#parts = parts
    this.rules = new RuleBook(parts)
    this.proposals = new Proposals({
      rules: this.rules,
      neededFor: (verdict) => this.neededFor(verdict),
      selfApproval: parts.limits.selfApproval,
    })
    this.#deadlines = new Deadlines(parts.now, (executionId, deadline) => {
      this.#expire(executionId, deadline).catch((error: unknown) => {
        parts.log.error('an expiry could not be recorded', { executionId, error })
        this.#deadlines.again(executionId, deadline, 1000)
      })
    })
  }

  /** How many operators must approve what was judged so. */
  neededFor(verdict: Verdict): number {
    return this.#parts.limits.quorum[verdict.risk.level]
  }

  /** Why an agent may not ask for an approval now, or null: it was denied too often. */
  async pressure(agentId: string): Promise<string | null> {
    const { ledger, limits, now } = this.#parts
    const denials = await ledger.latestDenials(agentId, limits.denialsToCoolDown)
    const since = denials.at(-1)
    const isHot = denials.length >= limits.denialsToCoolDown && since !== undefined
    if (!isHot || now() - since >= limits.coolDownMs) return null
    const until = isoOf(since + limits.coolDownMs)
    return `${denials.length} actions of "${agentId}" were denied in a row of time; ask for reviewed actions again after ${until}`
  }

  /** Asks for a decision on a pending action. */
  requestApproval(row: CommandExecution): void {
    this.watch(row)
    this.#parts.announce.approvalNeeded(
      approvalNeededOf(row, { approvals: [], neededFor: (verdict) => this.neededFor(verdict) }),
    )
  }

  /**
   * Expires an action that still waits at its deadline, for a person or for its start. A clock that is set back gives
   * neither of them longer than they have: only `expires_at`, which the agent chose, is a moment on the wall.
   */
  watch(row: CommandExecution): void {
    const { execution_id: executionId, deadline, expires_at: expiresAt, status } = row
    if (deadline === null) return
    const { pendingMs, executeWithinMs } = this.#parts.limits
    const withinMs = status === 'pending' ? pendingMs : executeWithinMs
    this.#deadlines.set(executionId, deadline, deadline === expiresAt ? undefined : withinMs)
  }

  /** Drops the clock of an action that has started or ended. */
  forget(executionId: number): void {
    this.#deadlines.clear(executionId)
  }

  /**
   * What waits for a person, oldest first, exactly as it was shown; a page of it.
   *
   * @param after an execution id: only younger ones
   */
  async pending(after: number): Promise<ApprovalNeeded[]> {
    const rows = await this.#parts.ledger.inState('pending', after, pendingPage)
    const votes = await this.#parts.approvals.votes(rows.map((row) => row.execution_id))
    return rows.map((row) =>
      approvalNeededOf(row, {
        approvals: votes.get(row.execution_id) ?? [],
        neededFor: (verdict) => this.neededFor(verdict),
      }),
    )
  }

  /**
   * Clears a pending action to run, exactly as it was shown, and with it every pending action that is the same. An
   * always decision makes a rule as well. Where more than one must approve, it may still wait afterwards.
   *
   * @param digest what the operator was shown, when they say so; another one clears nothing
   * @throws {CentralPostError} `conflict` when the digest differs, somebody decided before, or the time is over;
   * `forbidden` for one's own action; `invalid_request` for an always rule that cannot be
   */
  async approve(
    row: CommandExecution,
    decision: Decision,
    options: { digest?: string | undefined; always?: Always | undefined } = {},
  ): Promise<Decided> {
    const { ledger, approvals, limits, now } = this.#parts
    await checkOwn(row, decision.by, limits.selfApproval)
    if (options.digest !== undefined && options.digest !== row.digest) {
      throw new CentralPostError(
        'conflict',
        `digest: ${options.digest} is not what waits under ${row.action_id} (${String(row.digest)}); look at it again`,
      )
    }
    const at = now()
    if (row.status !== 'pending') throw await this.decidedBefore(row.execution_id)
    if (row.deadline !== null && at >= row.deadline) {
      await this.#expire(row.execution_id, row.deadline)
      throw await this.decidedBefore(row.execution_id)
    }
    const needed = this.neededFor(readVerdict(row.verdict ?? ''))
    if (options.always) checkOneIsEnough(row, needed)
    const shape = options.always && this.rules.shapeFor(options.always, row)
    const digest = row.digest ?? ''
    const votes = await approvals.vote(row, digest, {
      by: decision.by,
      at,
      comment: decision.reason,
    })
    const told = { approvals: votes, needed, ruleId: null }
    if (votes.length < needed) {
      const approval = { by: decision.by, approvals: votes, needed, at }
      this.#parts.announce.approved(approvedOf(row, approval))
      return { ...told, row: await ledger.get(row.execution_id) }
    }

    const approved = await this.#clear(row, decision, votes)
    if (approved === null) throw await this.decidedBefore(row.execution_id)
    const rule =
      options.always && shape
        ? await this.rules.make(row, decision.by, options.always, shape)
        : null
    for (const same of await ledger.pendingWithDigest(digest)) {
      await this.#clear(same, { by: decision.by, reason: `with ${row.action_id}` }, votes)
    }
    return { ...told, row: approved, ruleId: rule?.rule_id ?? null }
  }

  /**
   * Refuses a pending action, and every pending action that is the same; the reason reaches the agent.
   *
   * @throws {CentralPostError} `conflict` when somebody decided before; says who won and when
   */
  async deny(
    row: CommandExecution,
    decision: Decision & { readonly reason: string },
  ): Promise<CommandExecution> {
    if (!(await this.#refuse(row, decision))) throw await this.decidedBefore(row.execution_id)
    for (const same of await this.#parts.ledger.pendingWithDigest(row.digest ?? '')) {
      await this.#refuse(same, decision)
    }
    return this.#parts.ledger.get(row.execution_id)
  }

  /** The error for whoever comes too late: what was decided, by whom and when. */
  async decidedBefore(executionId: number): Promise<CentralPostError> {
    const row = await this.#parts.ledger.get(executionId)
    if (row.status === 'pending') {
      return new CentralPostError(
        'conflict',
        `${row.action_id} has changed since it was shown and waits again; look at it once more`,
      )
    }
    const when = row.approval_timestamp ?? row.finished_at ?? row.execution_timestamp
    return new CentralPostError('conflict', `${row.action_id} ${whatBecameOf(row)}`, {
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

  async #clear(
    row: CommandExecution,
    decision: Decision,
    votes: readonly string[],
  ): Promise<CommandExecution | null> {
    const { ledger, limits, log, now, release } = this.#parts
    const at = now()
    const by = votes.join(', ')
    const deadline = earliest(at + limits.executeWithinMs, row.expires_at)
    const changes = { approved_by: by, decided_by: by, approval_timestamp: at, deadline }
    const isMine = await ledger.step(row.execution_id, {
      from: ['pending'],
      to: 'queued',
      only: { digest: row.digest },
      at,
      changes,
      told: {
        kind: 'approved',
        data: {
          by: votes,
          digest: row.digest,
          comment: decision.reason ?? null,
          ...(votes.some((name) => isOwnActionOf(row, name)) && { self_approved: true }),
        },
      },
    })
    if (!isMine) return null
    const approved: CommandExecution = { ...row, ...changes, status: 'queued' }
    this.watch(approved)
    const approval = { by: decision.by, approvals: votes, needed: votes.length, at }
    this.#parts.announce.approved(approvedOf(row, approval))
    release(approved)
    log.info('approved', { ...about(row), by })
    return approved
  }

  async #refuse(
    row: CommandExecution,
    decision: Decision & { readonly reason: string },
  ): Promise<boolean> {
    const { by, reason } = decision
    const suggestion = decision.suggestion ?? readVerdict(row.verdict ?? '').suggestion ?? null
    const at = this.#parts.now()
    const isMine = await conclude(
      this.#parts,
      row,
      ['pending'],
      { status: 'denied', at, reason, suggestion },
      { kind: 'denied', data: { by, reason, suggestion } },
      { decided_by: by, approval_timestamp: at },
    )
    if (!isMine) return false
    this.#deadlines.clear(row.execution_id)
    this.#parts.announce.denied(deniedOf(row, { by, reason, suggestion, at }))
    return true
  }

  /** @param deadline the one that is over; an action that has another one by now goes on */
  async #expire(executionId: number, deadline: number): Promise<void> {
    const row = await this.#parts.ledger.get(executionId)
    const at = this.#parts.now()
    const mayExpire = row.status === 'pending' || row.status === 'queued'
    if (!mayExpire || row.deadline !== deadline) return
    const reason =
      row.status === 'pending'
        ? `nobody decided until ${isoOf(deadline)}`
        : `it was cleared, but did not start until ${isoOf(deadline)}`
    const told = { kind: 'expired', data: { was: row.status, deadline } } as const
    await conclude(
      this.#parts,
      row,
      [row.status],
      { status: 'expired', at, reason },
      told,
      {},
      { deadline },
    )
  }
}

/** Who decided on an action and when, in words for whoever came too late. */
function whatBecameOf(row: CommandExecution): string {
  const by = row.decided_by ?? 'nobody'
  if (row.status === 'denied') return `was denied by ${by}${atTime(row.finished_at)}`
  if (row.status === 'cancelled') return `was cancelled by ${by}${atTime(row.finished_at)}`
  const approved =
    row.approved_by === null || row.approval_timestamp === null
      ? ''
      : `was approved by ${row.approved_by}${atTime(row.approval_timestamp)} and `
  return `${approved}is ${row.status} already${atTime(row.finished_at)}`
}

function atTime(time: number | null): string {
  return time === null ? '' : ` at ${isoOf(time)}`
}
