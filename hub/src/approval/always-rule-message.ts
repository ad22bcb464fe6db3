import { type AlwaysRule, isoOf, isoOrNull } from '@centralpost/shared'
import type { ApprovalRule } from '../history/ledger/approval-store.ts'
import { readShape } from './always-rule.ts'

/** An always rule in the form sent to operators. */
export function alwaysRuleOf(rule: ApprovalRule): AlwaysRule {
  return {
    rule_id: rule.rule_id,
    decision: readShape(rule).kind,
    description: rule.description,
    agent_id: rule.agent_id,
    workflow_id: rule.workflow_id,
    created_by: rule.created_by,
    created_at: isoOf(rule.created_at),
    expires_at: isoOf(rule.expires_at),
    uses: rule.uses,
    last_used_at: isoOrNull(rule.last_used_at),
    revoked_by: rule.revoked_by,
    revoked_at: isoOrNull(rule.revoked_at),
  }
}
