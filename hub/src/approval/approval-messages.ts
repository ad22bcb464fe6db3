import {
  type ActionApproved,
  alwaysDecisions,
  type ApprovalNeeded,
  isoOf,
} from '@centralpost/shared'
import { sandboxBound, unboundOf } from '../action/bound-files.ts'
import { describeRule, ruleFor } from './always-rule.ts'
import { defaultScope, holderOf } from './rule-scope.ts'
import type { RuleSubject } from './rule-subject.ts'
import type { Execution } from '../history/store/execution.ts'

/** The approvals of a pending action, the required number, and the possible always rules. */
export interface Votes {
  readonly approvals: readonly string[]
  readonly needed: number
  readonly subject: RuleSubject
  /** number of identical pending actions */
  readonly same?: number
}

const needsMore = { refused: 'several operators must approve it, so an always rule is impossible' }

/** The content of an approval request, which the approver must clear. */
export function approvalNeededOf(row: Execution, votes: Votes): ApprovalNeeded {
  const { needed, subject } = votes
  const { verdict, bound } = subject
  const holder = holderOf(defaultScope(row), row)
  return {
    schema: 1,
    execution_id: row.execution_id,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    agent_type: row.agent_type,
    command: row.command,
    context: row.context,
    cwd: row.cwd ?? '',
    env: row.env,
    timeout: row.timeout_ms / 1000,
    trust_level: verdict.level,
    risk: verdict.risk,
    verdict,
    digest: row.digest ?? '',
    bound,
    not_bound: unboundOf(bound),
    ...(votes.same !== undefined && { same_pending: votes.same }),
    sandbox: bound[sandboxBound] ?? null,
    always: alwaysDecisions.map((decision) => {
      const made = needed > 1 ? needsMore : ruleFor(decision, subject)
      return 'refused' in made
        ? { decision, rule: null, refused: made.refused }
        : { decision, rule: describeRule(made.shape, holder), refused: null }
    }),
    approvals: [...votes.approvals],
    approvals_needed: needed,
    requested_at: isoOf(row.timestamp),
    expires_at: isoOf(row.deadline ?? row.timestamp),
    hub_id: row.hub_id,
  }
}

export function approvedOf(
  row: Execution,
  approval: { by: string; approvals: readonly string[]; needed: number; at: number },
): ActionApproved {
  const { by, approvals, needed, at } = approval
  return {
    schema: 1,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    approved_by: by,
    approvals: [...approvals],
    approvals_needed: needed,
    cleared: approvals.length >= needed,
    self_approved: isOwnActionOf(row, by),
    approved_at: isoOf(at),
  }
}

/** Whether the operator requested this action. */
export function isOwnActionOf(row: Pick<Execution, 'agent_id'>, operator: string): boolean {
  return row.agent_id === `operator-${operator}`
}
