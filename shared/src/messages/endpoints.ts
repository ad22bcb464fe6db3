import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from './ids.ts'
import { outputStreams } from './output-streams.ts'
import { alwaysDecisions, alwaysScopes } from './trust.ts'
import { approvalNeededSchema } from './events.ts'
import { actionRequestSchema } from './request.ts'
import { actionResultSchema, actionStates } from './result.ts'

const schema1 = { schema: z.literal(1).default(1) }

/**
 * `result`: an agent asks for one of its own actions by id; an operator names the agent as well.
 */
export const resultCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
})
export const resultReplySchema = z.object({
  action_id: z.string(),
  agent_id: z.string(),
  state: z.enum(actionStates),
  result: actionResultSchema.nullable().describe('null while the action is under way'),
})
export type ResultReply = z.infer<typeof resultReplySchema>

/** `cancel`: at any stage before the end. */
export const cancelCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  reason: z.string().max(1024).optional(),
})
export const cancelReplySchema = z.object({
  action_id: z.string(),
  state: z
    .enum(actionStates)
    .describe('cancelled, or running while the process tree is being ended'),
})

/** `state`: the state of the hub's machine from a directory. */
export const stateCallSchema = z.strictObject({ ...schema1, cwd: z.string().optional() })
export const stateReplySchema = z.looseObject({ hub_id: z.string() })

/** `classify`: the verdict on a command, without requesting it. */
export const classifyCallSchema = z
  .strictObject({
    ...schema1,
    command: actionRequestSchema.shape.command,
    argv: actionRequestSchema.shape.argv,
    cwd: z.string().optional(),
  })
  .refine((call) => (call.command === undefined) !== (call.argv === undefined), {
    error: 'give exactly one of command and argv',
    path: ['command'],
  })

/** `pending`: the actions waiting for approval, oldest first. */
export const pendingCallSchema = z.strictObject({
  ...schema1,
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
  after: z.int().min(0).optional().describe('an execution_id: only younger ones (the cursor)'),
})
export const pendingReplySchema = z.object({
  pending: z.array(approvalNeededSchema),
  next: z.int().nullable().describe('pass as `after` for the next page'),
})

/**
 * `approve`. `digest`, when given, must be the one shown: nothing else is approved. An always
 * decision also makes a rule: exactly the one shown in the approval request.
 */
export const approveCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  digest: z.string().optional(),
  same: z
    .boolean()
    .default(false)
    .describe('also clears every identical pending action; each of them runs'),
  comment: z.string().max(1024).optional(),
  decision: z.enum(['approve_once', ...alwaysDecisions]).default('approve_once'),
  scope: z
    .enum(alwaysScopes)
    .optional()
    .describe("scope of the always rule; absent: its agent in the action's workflow, or its agent"),
  expires_in: z.number().positive().optional().describe('seconds until the always rule expires'),
})
export const denyCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  reason: z.string().trim().min(1, 'must give a reason, which is sent to the agent').max(1024),
  suggestion: z.string().max(1024).optional(),
})
export const decisionReplySchema = z.object({
  action_id: z.string(),
  agent_id: z.string(),
  state: z.enum(actionStates),
  decided_by: z.string(),
  decided_at: z.string(),
  approvals: z
    .array(z.string())
    .optional()
    .describe('the approvers so far, where more than one is required'),
  approvals_needed: z.int().optional(),
  rule_id: z.string().optional().describe('the always rule that was made'),
  same_decided: z
    .array(z.string())
    .optional()
    .describe('the identical actions decided along with this one'),
  same_pending: z.int().min(0).optional().describe('number of identical actions still waiting'),
})

/** `rules`: the always rules; `revoke` revokes one. */
export const rulesCallSchema = z.strictObject({
  ...schema1,
  revoke: z.string().max(64).optional().describe('the id of a rule to revoke'),
  all: z.boolean().default(false).describe('include expired and revoked rules'),
})
export const alwaysRuleSchema = z.object({
  rule_id: z.string(),
  decision: z.enum(alwaysDecisions),
  description: z.string().describe('the rule, verbatim'),
  agent_id: z.string().nullable().describe('the agent it applies to; null: every agent'),
  workflow_id: z.string().nullable(),
  created_by: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
  uses: z.int(),
  last_used_at: z.string().nullable(),
  revoked_by: z.string().nullable(),
  revoked_at: z.string().nullable(),
})
export type AlwaysRule = z.infer<typeof alwaysRuleSchema>
export const rulesReplySchema = z.object({ rules: z.array(alwaysRuleSchema) })

/** `output`: one page of an action's complete output on one stream. */
export const outputCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  stream: z.enum(outputStreams).default('stdout'),
  offset: z.int().min(0).default(0).describe('bytes'),
  limit: z.int().min(1).max(262_144).default(65_536).describe('bytes'),
})
export const outputReplySchema = z.object({
  action_id: z.string(),
  stream: z.enum(outputStreams),
  data: z.string(),
  offset: z.int(),
  next_offset: z.int(),
  total: z.int(),
  eof: z.boolean(),
})

/** `hubs`: the serving hub and its status. */
export const hubStatusSchema = z.object({
  hub_id: z.string(),
  version: z.string(),
  host: z.string(),
  pid: z.int(),
  started_at: z.string(),
  time: z.string().describe("the hub's clock, by which approvals expire"),
  accepting: z.boolean(),
  policy: z.string(),
  running: z.int(),
  queued: z.int(),
  pending: z.int(),
  unpublished: z.int().describe('results that the broker has not confirmed yet'),
  slots: z.int(),
  self_approval: z
    .boolean()
    .describe('whether operators may approve what they requested as the agent operator-NAME'),
})
export type HubStatus = z.infer<typeof hubStatusSchema>
export const hubsReplySchema = z.object({ hubs: z.array(hubStatusSchema) })

/** A call without arguments. */
export const emptyCallSchema = z.strictObject({ ...schema1 })
