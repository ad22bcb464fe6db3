import { secondsSetting } from '@centralpost/shared'
import { z } from 'zod'
import type { ApprovalLimits } from './approval-desk-parts.ts'

/** The settings of approvals, with their defaults. */
export const approvalSettingsSchema = z
  .strictObject({
    pending: secondsSetting(
      300,
      1,
      604_800,
      'how long a REVIEW action waits for approval before it expires',
    ),
    execute_within: secondsSetting(
      60,
      1,
      86_400,
      'an approval is void when the action has not started by then; it may be queued for 20 times this',
    ),
    quorum: z
      .strictObject({
        low: z.int().min(1).max(16).default(1),
        medium: z.int().min(1).max(16).default(1),
        high: z.int().min(1).max(16).default(1),
      })
      .prefault({})
      .describe('number of required approvals, by risk'),
    self_approval: z
      .boolean()
      .optional()
      .describe(
        'whether an operator may approve what they requested as agent operator-NAME; absent: ' +
          'only where the embedded broker knows one operator',
      ),
    pending_per_agent: z
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe('limit of waiting actions per agent; more are rejected'),
    denials_to_cool_down: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('denials within cool_down after which the agent must pause'),
    cool_down: secondsSetting(60, 1, 86_400, 'how long'),
    rule_seconds: secondsSetting(28_800, 60, 2_592_000, 'default lifetime of an always rule'),
    max_rule_seconds: secondsSetting(604_800, 60, 31_536_000, 'maximal lifetime of an always rule'),
  })
  .prefault({})

/** The settings in the form that the approval desk takes. */
export function approvalLimits(
  settings: z.output<typeof approvalSettingsSchema>,
  selfApproval: ApprovalLimits['selfApproval'],
): ApprovalLimits {
  return {
    pendingMs: settings.pending * 1000,
    executeWithinMs: settings.execute_within * 1000,
    pendingPerAgent: settings.pending_per_agent,
    denialsToCoolDown: settings.denials_to_cool_down,
    coolDownMs: settings.cool_down * 1000,
    quorum: settings.quorum,
    ruleMs: settings.rule_seconds * 1000,
    maxRuleMs: settings.max_rule_seconds * 1000,
    selfApproval,
  }
}
