import { z } from 'zod'
import { outputStreams } from './output-streams.ts'
import { alwaysDecisions, riskSchema, trustLevelSchema, verdictSchema } from './trust.ts'

const eventBase = {
  schema: z.literal(1),
  action_id: z.string(),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
}

/**
 * `SYSTEM_ACTION_APPROVAL_NEEDED.<agent>.<action>`: everything the approver is asked to approve.
 */
export const approvalNeededSchema = z.object({
  ...eventBase,
  execution_id: z.int(),
  agent_type: z.string().nullable(),
  command: z.string(),
  context: z.string().nullable(),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  timeout: z.number().describe('seconds'),
  trust_level: trustLevelSchema,
  risk: riskSchema,
  verdict: verdictSchema,
  digest: z.string().describe('binds an approval to exactly this command, cwd, env and timeout'),
  bound: z
    .record(z.string(), z.string())
    .describe(
      "files that the digest also binds: each program's path, and the hash of each named or implied file",
    ),
  not_bound: z
    .array(z.string())
    .optional()
    .describe('files and facts that may change between approval and start, in words'),
  same_pending: z
    .int()
    .min(0)
    .optional()
    .describe('number of identical pending actions; an approval clears them only on request'),
  sandbox: z
    .string()
    .nullish()
    .describe('the sandbox profile, bound as well; "none (why)": not confined'),
  always: z
    .array(
      z.object({
        decision: z.enum(alwaysDecisions),
        rule: z.string().nullable().describe('the rule, verbatim; null: not offered'),
        refused: z.string().nullable().describe('why it is not offered'),
      }),
    )
    .describe('the rule that each always decision would make'),
  approvals: z.array(z.string()).describe('the approvers so far'),
  approvals_needed: z.int(),
  requested_at: z.string(),
  expires_at: z.string(),
  hub_id: z.string(),
})
export type ApprovalNeeded = z.infer<typeof approvalNeededSchema>

/**
 * `SYSTEM_ACTION_APPROVED.<agent>.<action>`: an operator approved. `cleared` says whether the
 * action may run now.
 */
export const actionApprovedSchema = z.object({
  ...eventBase,
  approved_by: z.string().describe('the approving operator'),
  approvals: z.array(z.string()).describe('all approvers so far'),
  approvals_needed: z.int(),
  cleared: z.boolean().describe('false: more operators must approve'),
  self_approved: z.boolean().describe('the operator had requested it as the agent operator-NAME'),
  approved_at: z.string(),
})
export type ActionApproved = z.infer<typeof actionApprovedSchema>

/** `SYSTEM_ACTION_DENIED.<agent>.<action>` */
export const actionDeniedSchema = z.object({
  ...eventBase,
  command: z.string(),
  trust_level: trustLevelSchema,
  reason: z.string(),
  suggestion: z.string().nullable(),
  denied_by: z.string().describe('an operator, or "policy"'),
  denied_at: z.string(),
})
export type ActionDenied = z.infer<typeof actionDeniedSchema>

/** `SYSTEM_ACTION_START.<agent>.<action>` */
export const actionStartSchema = z.object({
  ...eventBase,
  command: z.string(),
  cwd: z.string(),
  trust_level: trustLevelSchema,
  approved_by: z.string().nullable(),
  timeout: z.number().describe('seconds'),
  started_at: z.string(),
  hub_id: z.string(),
})
export type ActionStart = z.infer<typeof actionStartSchema>

/**
 * `SYSTEM_ACTION_OUTPUT.<agent>.<action>`: one chunk. `seq` counts from 0 over both streams; a gap,
 * with `skipped_bytes` on the next chunk, marks output thinned on the bus (the spool has all of
 * it).
 */
export const actionOutputSchema = z.object({
  schema: z.literal(1),
  action_id: z.string(),
  agent_id: z.string(),
  seq: z.int().min(0),
  stream: z.enum(outputStreams),
  data: z.string(),
  skipped_bytes: z.int().optional(),
})
export type ActionOutput = z.infer<typeof actionOutputSchema>
