import { type ApprovalNeeded, CentralPostError, type Verdict } from '@centralpost/shared'
import { logFieldsOf, endAction } from '../action/end-action.ts'
import { type Execution, verdictOf } from '../history/store/execution.ts'
import { earliest } from '../action/first-record.ts'
import type {
  ApprovalDeskParts,
  ApproveOptions,
  ApprovalOutcome,
  Decision,
  SameActions,
} from './approval-desk-parts.ts'
import { decidedBefore } from './decided-before.ts'
import { checkOneIsEnough, checkOwn } from './may-approve.ts'
import { Proposals } from './proposals.ts'
import { RuleBook, type Always } from './rule-book.ts'
import { type RuleSubject, subjectOf } from './rule-subject.ts'
import { WaitingClocks } from './waiting-clocks.ts'
import { deniedOf } from '../action/event-messages.ts'
import { isOwnActionOf, approvedOf, approvalNeededOf } from './approval-messages.ts'
import type { RuleShape } from './always-rule.ts'

/** Pending actions examined per page. */
export const pendingPage = 200

/**
 * The queue of REVIEW actions that wait for approval. Decisions are compare-and-set: one wins, the
 * others learn which and when. An approval clears one action; identical ones only on request.
 */
export class ApprovalDesk {
  readonly rules: RuleBook
  readonly proposals: Proposals
  readonly clocks: WaitingClocks
  readonly #parts: ApprovalDeskParts

  constructor(parts: ApprovalDeskParts) {
    this.#parts = parts
    this.rules = new RuleBook(parts)
    this.proposals = new Proposals({
      rules: this.rules,
      judge: parts.judge,
      neededFor: (verdict) => this.neededFor(verdict),
      selfApproval: parts.limits.selfApproval,
    })
    this.clocks = new WaitingClocks(parts)
  }

  /** The number of operators who must approve a judged command. */
  neededFor(verdict: Verdict): number {
    return this.#parts.limits.quorum[verdict.risk.level]
  }

  /**
   * Requests a decision on a pending action.
   *
   * @param leftMs maximal remaining time, in milliseconds; absent: until its deadline
   */
  requestApproval(row: Execution, leftMs?: number): void {
    this.clocks.watch(row, leftMs)
    this.#parts.announce.approvalNeeded(
      approvalNeededOf(row, { approvals: [], ...this.#termsOf(row) }),
    )
  }

  /**
   * One page of pending actions, oldest first, exactly as shown.
   *
   * @param after an execution id: only younger ones
   */
  async pending(after: number): Promise<ApprovalNeeded[]> {
    const rows = await this.#parts.ledger.inState('pending', after, pendingPage)
    const votes = await this.#parts.approvals.votes(rows.map((row) => row.execution_id))
    const sizes = new Map<string | null, number>()
    for (const { digest } of rows) sizes.set(digest, (sizes.get(digest) ?? 0) + 1)
    return rows.map((row) =>
      approvalNeededOf(row, {
        approvals: votes.get(row.execution_id) ?? [],
        ...this.#termsOf(row),
        same: (sizes.get(row.digest) ?? 1) - 1,
      }),
    )
  }

  /**
   * Approves a pending action, exactly as shown; identical ones only on request. An always decision
   * also makes a rule. Where several approvals are required, it may still wait afterwards.
   *
   * @throws {CentralPostError} `conflict` when the digest differs, it was decided before, or it has
   *   expired; `forbidden` for one's own action; `invalid_request` for an impossible always rule
   */
  async approve(
    row: Execution,
    decision: Decision,
    options: ApproveOptions = {},
  ): Promise<ApprovalOutcome> {
    const { needed, rule } = await this.#mayApprove(row, decision, options)

    const approvals = await this.#vote(row, decision)
    const votes = { approvals, needed }
    if (approvals.length < needed) {
      return { ...votes, ...(await this.#waitsOn(row, decision, votes)) }
    }

    const approved = await this.#clear(row, decision, approvals)
    if (approved === null) throw await decidedBefore(this.#parts.ledger, row.execution_id)
    const made = rule && (await this.rules.make(row, decision.by, rule.always, rule.shape))
    const along = { by: decision.by, reason: `with ${row.action_id}` }
    const same = await this.#withSame(row, async (other) =>
      options.same ? (await this.#clear(other, along, approvals)) !== null : false,
    )
    return { ...votes, row: approved, ruleId: made?.rule_id ?? null, same }
  }

  /**
   * Denies a pending action and every identical one; the reason is sent to the agent. Counts as one
   * denial, however many actions end.
   *
   * @throws {CentralPostError} `conflict` when it was decided before; says by whom and when
   */
  async deny(
    row: Execution,
    decision: Decision & { readonly reason: string },
  ): Promise<{ readonly row: Execution; readonly same: SameActions }> {
    const { ledger, now } = this.#parts
    const at = now()
    if (!(await this.#refuse(row, decision, at)))
      throw await decidedBefore(ledger, row.execution_id)
    const same = await this.#withSame(row, (other) => this.#refuse(other, decision, at))
    return { row: await ledger.get(row.execution_id), same }
  }

  #termsOf(row: Execution): { needed: number; subject: RuleSubject } {
    const subject = subjectOf(row, this.#parts.judge)
    return { needed: this.neededFor(subject.verdict), subject }
  }

  /** How many must approve, and the rule that is to be made. @throws {CentralPostError} see `approve` */
  async #mayApprove(
    row: Execution,
    decision: Decision,
    { digest, always }: ApproveOptions,
  ): Promise<{ needed: number; rule: { always: Always; shape: RuleShape } | null }> {
    await this.#checkPending(row)
    await checkOwn(row, decision.by, this.#parts.limits.selfApproval)
    checkShown(row, digest)
    const needed = this.neededFor(verdictOf(row))
    if (always === undefined) return { needed, rule: null }
    checkOneIsEnough(row, needed)
    return { needed, rule: { always, shape: this.rules.shapeFor(always, row) } }
  }

  async #checkPending(row: Execution): Promise<void> {
    const { ledger, now } = this.#parts
    const isLate = row.deadline !== null && now() >= row.deadline
    if (row.status === 'pending' && !isLate) return
    if (row.status === 'pending' && row.deadline !== null) {
      await this.clocks.expire(row.execution_id, row.deadline)
    }
    throw await decidedBefore(ledger, row.execution_id)
  }

  #vote(row: Execution, { by, reason }: Decision): Promise<string[]> {
    const { approvals, now } = this.#parts
    return approvals.vote(row, row.digest ?? '', { by, at: now(), comment: reason })
  }

  /** Announces one of several required approvals. */
  async #waitsOn(
    row: Execution,
    { by }: Decision,
    votes: Pick<ApprovalOutcome, 'approvals' | 'needed'>,
  ): Promise<Pick<ApprovalOutcome, 'row' | 'ruleId' | 'same'>> {
    const { announce, ledger, now } = this.#parts
    announce.approved(approvedOf(row, { by, ...votes, at: now() }))
    const same = await this.#withSame(row, async () => false)
    return { row: await ledger.get(row.execution_id), ruleId: null, same }
  }

  /** @param decide decides on an identical action; false: it keeps waiting */
  async #withSame(
    row: Execution,
    decide: (other: Execution) => Promise<boolean>,
  ): Promise<SameActions> {
    const decided: string[] = []
    let pending = 0
    for (const other of await this.#parts.ledger.pendingWithDigest(row.digest ?? '')) {
      if (other.execution_id === row.execution_id) continue
      if (await decide(other)) decided.push(other.action_id)
      else pending += 1
    }
    return { decided, pending }
  }

  async #clear(
    row: Execution,
    decision: Decision,
    votes: readonly string[],
  ): Promise<Execution | null> {
    const { ledger, limits, log, now, release } = this.#parts
    const at = now()
    const by = votes.join(', ')
    const deadline = earliest(at + limits.executeWithinMs, row.expires_at)
    const changes = { approved_by: by, decided_by: by, approval_timestamp: at, deadline }
    const applied = await ledger.step(row.execution_id, {
      from: ['pending'],
      to: 'queued',
      where: { digest: row.digest },
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
    if (!applied) return null
    const approved: Execution = { ...row, ...changes, status: 'queued' }
    this.clocks.watch(approved)
    const approval = { by: decision.by, approvals: votes, needed: votes.length, at }
    this.#parts.announce.approved(approvedOf(row, approval))
    release(approved)
    log.info('approved', { ...logFieldsOf(row), by })
    return approved
  }

  async #refuse(
    row: Execution,
    decision: Decision & { readonly reason: string },
    at: number,
  ): Promise<boolean> {
    const { by, reason } = decision
    const suggestion = decision.suggestion ?? verdictOf(row).suggestion ?? null
    const applied = await endAction(
      this.#parts,
      row,
      ['pending'],
      { status: 'denied', at, reason, suggestion },
      { kind: 'denied', data: { by, reason, suggestion } },
      { decided_by: by, approval_timestamp: at },
    )
    if (!applied) return false
    this.clocks.forget(row.execution_id)
    this.#parts.announce.denied(deniedOf(row, { by, reason, suggestion, at }))
    return true
  }
}

function checkShown(row: Execution, digest: string | undefined): void {
  if (digest === undefined || digest === row.digest) return
  throw new CentralPostError(
    'conflict',
    `digest: ${digest} does not match ${row.action_id} (${String(row.digest)}); look at it again`,
  )
}
