import {
  type AlwaysDecision,
  alwaysDecisions,
  CentralPostError,
  type Proposal,
  type Verdict,
  isoOf,
} from '@centralpost/shared'
import type { Approved } from '../history/patterns/proposals.ts'
import type { ApprovalRule } from '../history/ledger/approval-store.ts'
import { type Execution, verdictOf } from '../history/store/execution.ts'
import { alwaysRuleOf } from './always-rule-message.ts'
import { coversForm, describeRule, ruleFor } from './always-rule.ts'
import { checkOneIsEnough, checkOwn } from './may-approve.ts'
import type { RuleBook } from './rule-book.ts'
import { defaultScope, holderOf } from './rule-scope.ts'
import { type JudgeCommand, subjectOf } from './rule-subject.ts'
import { isOwnActionOf } from './approval-messages.ts'

export interface ProposalsParts {
  readonly rules: RuleBook
  readonly judge: JudgeCommand
  readonly neededFor: (verdict: Verdict) => number
  readonly selfApproval: () => Promise<boolean>
}

/** An operator's acceptance of a proposal, as it was shown. */
export interface Acceptance {
  readonly by: string
  readonly agentId: string
  /** one of the approvals shown */
  readonly actionId: string
  readonly decision: AlwaysDecision
  /** the rule, verbatim as shown */
  readonly rule: string
  readonly expiresInMs?: number | undefined
  readonly comment?: string | undefined
}

/** A proposal with its approvals, newest first. */
interface Standing {
  readonly proposal: Proposal
  readonly newest: Execution
  readonly support: readonly Execution[]
}

/**
 * Always rules proposed from repeated approvals. Counting makes none: an operator who was shown the
 * proposal makes it, under the checks of an always decision.
 */
export class Proposals {
  readonly #parts: ProposalsParts
  #lastAcceptance: Promise<unknown> = Promise.resolve()

  constructor(parts: ProposalsParts) {
    this.#parts = parts
  }

  /** The acceptable proposals: clearable by one operator, and not covered by a rule. */
  async of(found: readonly Approved[]): Promise<Proposal[]> {
    const open: Proposal[] = []
    for (const { proposal, newest, support } of standing(found, this.#parts.judge)) {
      if (this.#neededFor(newest) > 1) continue
      if ((await this.#parts.rules.findForAll(support)) === null) open.push(proposal)
    }
    return open
  }

  /**
   * Makes a proposed rule, for its agent in its workflow, if the proposal is unchanged.
   *
   * @param found the currently repeated approvals
   * @throws {CentralPostError} `conflict` when the proposal is gone or changed, or such a rule is
   *   in force; `forbidden` for one's own actions; `invalid_request` where several must approve, or
   *   for too long a lifetime
   */
  accept(found: readonly Approved[], acceptance: Acceptance): Promise<ApprovalRule> {
    // serialised: the second of two acceptances must find the first one's rule
    const made = this.#lastAcceptance.then(() => this.#accept(found, acceptance))
    this.#lastAcceptance = made.catch(() => {})
    return made
  }

  async #accept(found: readonly Approved[], acceptance: Acceptance): Promise<ApprovalRule> {
    const { rules, selfApproval } = this.#parts
    const { by, decision, expiresInMs, comment } = acceptance
    const { proposal, newest, support } = meant(standing(found, this.#parts.judge), acceptance)
    await checkOwn(newest, by, selfApproval)
    checkOneIsEnough(newest, this.#neededFor(newest))
    const held = await rules.findForAll(support)
    if (held !== null) throw heldAlready(held)
    const always = { decision, expiresInMs }
    return rules.make(newest, by, always, rules.shapeFor(always, newest), {
      accepted: { approvals: proposal.approvals, of: support.map((row) => row.action_id) },
      comment: comment ?? null,
      ...(isOwnActionOf(newest, by) && { self_approved: true }),
    })
  }

  #neededFor(row: Execution): number {
    return this.#parts.neededFor(verdictOf(row))
  }
}

function meant(proposals: readonly Standing[], acceptance: Acceptance): Standing {
  const { agentId, actionId, decision, rule } = acceptance
  const found = proposals.find(
    ({ newest, support }) =>
      newest.agent_id === agentId && support.some((row) => row.action_id === actionId),
  )
  if (found === undefined) {
    throw new CentralPostError(
      'conflict',
      `no rule is proposed from ${actionId} of ${agentId} (any more); list the proposals again`,
    )
  }
  const { proposal } = found
  if (proposal.decision === decision && proposal.rule === rule) return found
  throw new CentralPostError(
    'conflict',
    `rule: the proposal from ${actionId} of ${agentId} has changed since it was shown; it ` +
      `is now ${proposal.decision}: ${String(proposal.rule)}`,
  )
}

function heldAlready(rule: ApprovalRule): CentralPostError {
  return new CentralPostError(
    'conflict',
    `the rule ${rule.rule_id} of ${rule.created_by} covers this already: ${rule.description}`,
    { details: { rule: alwaysRuleOf(rule) } },
  )
}

/**
 * For each repeated approval, the narrowest rule from the newest approved action that covers every
 * approval shown. Omits everything that no rule may cover.
 */
function standing(found: readonly Approved[], judge: JudgeCommand): Standing[] {
  return found.flatMap((approved) => {
    // masked text cannot be compared with future requests
    const support = approved.support.filter((row) => row.masked === 0 && row.verdict !== null)
    const [newest] = support
    if (newest === undefined) return []
    const subject = subjectOf(newest, judge)
    for (const decision of alwaysDecisions) {
      const made = ruleFor(decision, subject)
      if ('refused' in made) continue
      if (!support.every((row) => coversForm(made.shape, subjectOf(row, judge)))) continue
      const rule = describeRule(made.shape, holderOf(defaultScope(newest), newest))
      return [
        { proposal: proposalOf(approved, support, newest, { decision, rule }), newest, support },
      ]
    }
    return []
  })
}

function proposalOf(
  approved: Approved,
  support: readonly Execution[],
  newest: Execution,
  made: Pick<Proposal, 'decision' | 'rule'>,
): Proposal {
  return {
    ...made,
    command: approved.form,
    example: newest.command,
    agent_id: approved.agentId,
    workflow_id: approved.workflowId,
    trust_level: newest.trust_level ?? 'REVIEW',
    approvals: approved.approvals,
    approved_by: [...approved.approvedBy],
    denials: 0,
    successful: approved.successful,
    failed: approved.failed,
    avg_wait: approved.avgWait === null ? null : approved.avgWait / 1000,
    support: support.map((row) => ({
      execution_id: row.execution_id,
      action_id: row.action_id,
      agent_id: row.agent_id,
      command: row.command,
      approved_by: row.approved_by ?? '',
      status: row.status,
      requested_at: isoOf(row.timestamp),
    })),
  }
}
