import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from '../ids.ts'
import { outputStreams } from '../output-streams.ts'
import { alwaysDecisions, alwaysScopes } from '../trust.ts'
import { approvalNeededSchema } from './events.ts'
import { actionRequestSchema } from './request.ts'
import { actionResultSchema, actionStates } from './result.ts'

const schema1 = { schema: z.literal(1).default(1) }

/** `result`: an agent asks for one of its own actions by the id it gave; an operator names the agent as well. */
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

/** `state`: what the hub's machine looks like from a directory. */
export const stateCallSchema = z.strictObject({ ...schema1, cwd: z.string().optional() })
export const stateReplySchema = z.looseObject({ hub_id: z.string() })

/** `classify`: what would be decided, without asking for it. */
export const classifyCallSchema = z
  .strictObject({
    ...schema1,
    command: actionRequestSchema.shape.command,
    argv: actionRequestSchema.shape.argv,
    cwd: z.string().optional(),
  })
  .refine((call) => (call.command === undefined) !== (call.argv === undefined), {
    error: 'exactly one of command and argv must be given',
    path: ['command'],
  })

/** `pending`: what waits for a person, oldest first. */
export const pendingCallSchema = z.strictObject({
  ...schema1,
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
  after: z.int().min(0).optional().describe('an execution_id: only younger ones (the cursor)'),
})
export const pendingReplySchema = z.object({
  pending: z.array(approvalNeededSchema),
  next: z.int().nullable().describe('pass as `after` for those that did not fit'),
})

/**
 * `approve`. `digest`, when given, must be the one that was shown: nothing else is approved. An always decision makes
 * a rule as well: exactly the one that the approval request showed for it.
 */
export const approveCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  digest: z.string().optional(),
  same: z
    .boolean()
    .default(false)
    .describe('clears every pending action that is the same as well, each of which runs'),
  comment: z.string().max(1024).optional(),
  decision: z.enum(['approve_once', ...alwaysDecisions]).default('approve_once'),
  scope: z
    .enum(alwaysScopes)
    .optional()
    .describe(
      "where an always rule holds; absent: for its agent in the action's workflow, or for its agent",
    ),
  expires_in: z.number().positive().optional().describe('seconds until an always rule ends'),
})
export const denyCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional(),
  reason: z.string().trim().min(1, 'must say why: it reaches the agent').max(1024),
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
    .describe('who has approved so far, where more than one must'),
  approvals_needed: z.int().optional(),
  rule_id: z.string().optional().describe('the always rule that was made'),
  same_decided: z
    .array(z.string())
    .optional()
    .describe('the other actions that were the same, and were decided with this one'),
  same_pending: z.int().min(0).optional().describe('how many that are the same wait on'),
})

/** `rules`: the always rules; `revoke` ends one. */
export const rulesCallSchema = z.strictObject({
  ...schema1,
  revoke: z.string().max(64).optional().describe('the id of a rule to end'),
  all: z.boolean().default(false).describe('those that have ended as well'),
})
export const alwaysRuleSchema = z.object({
  rule_id: z.string(),
  decision: z.enum(alwaysDecisions),
  description: z.string().describe('verbatim what it lets run'),
  agent_id: z.string().nullable().describe('the agent it holds for; null: every agent'),
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

/** `output`: one page of everything a stream of an action printed. */
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

/** `hubs`: who serves, and how it goes. */
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
    .describe('whether an operator may approve what they asked for as the agent operator-NAME'),
})
export type HubStatus = z.infer<typeof hubStatusSchema>
export const hubsReplySchema = z.object({ hubs: z.array(hubStatusSchema) })

/** A call without arguments. */
export const emptyCallSchema = z.strictObject({ ...schema1 })
