import { alwaysDecisions, type Proposal } from '@centralpost/shared'
import { describeRule, ruleCovers, ruleFor } from './approval/always-rule.ts'
import { defaultScope, holderOf } from './approval/rule-scope.ts'
import type { Approved } from './history/patterns/proposals.ts'
import { isoOf, ruleSubjectOf } from './messages.ts'

/**
 * Always rules that repeated approvals speak for: the narrowest that the newest approved action could make and that
 * covers every approval shown. Whatever no rule may cover is not proposed. Nothing is approved by this.
 */
export function proposalsOf(found: readonly Approved[]): Proposal[] {
  return found.flatMap((approved) => {
    // what was masked cannot be compared with what will be asked for
    const support = approved.support.filter((row) => row.masked === 0 && row.verdict !== null)
    const [newest] = support
    if (newest === undefined) return []
    const subject = ruleSubjectOf(newest)
    for (const decision of alwaysDecisions) {
      const made = ruleFor(decision, subject)
      if ('refused' in made) continue
      if (!support.every((row) => ruleCovers(made.shape, ruleSubjectOf(row)))) continue
      return [
        {
          decision,
          command: approved.form,
          example: newest.command,
          agent_id: approved.agentId,
          workflow_id: approved.workflowId,
          rule: describeRule(made.shape, holderOf(defaultScope(newest), newest)),
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
        },
      ]
    }
    return []
  })
}
