import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from '../ids.ts'
import { alwaysDecisions, alwaysScopes, trustLevelSchema } from '../trust.ts'
import { approvalNeededSchema, outputStreams } from './events.ts'
import { actionRequestSchema } from './request.ts'
import { actionResultSchema, resultStatuses } from './result.ts'

/** Where an action stands. The first three move on, the others are final. */
export const actionStates = ['pending', 'queued', 'running', ...resultStatuses] as const
export type ActionState = (typeof actionStates)[number]

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

/** `history`: newest first; `query` searches words of command, context and output. */
export const historyCallSchema = z.strictObject({
  ...schema1,
  query: z.string().max(1024).optional(),
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
  trust_level: trustLevelSchema.optional(),
  status: z.enum(actionStates).optional(),
  action_id: actionIdSchema.optional(),
  before: z.int().positive().optional().describe('an execution_id: only older ones (the cursor)'),
  limit: z.int().min(1).max(500).default(50),
})
export const historyEntrySchema = z.object({
  execution_id: z.int(),
  action_id: z.string(),
  agent_id: z.string(),
  agent_type: z.string().nullable(),
  workflow_id: z.string().nullable(),
  command: z.string(),
  context: z.string().nullable(),
  trust_level: trustLevelSchema.nullable(),
  status: z.enum(actionStates),
  approved_by: z.string().nullable(),
  reason: z.string().nullable(),
  exit_code: z.int().nullable(),
  error_category: z.string().nullable(),
  duration: z.number().nullable().describe('seconds'),
  cwd: z.string().nullable(),
  requested_at: z.string(),
  finished_at: z.string().nullable(),
  stdout_preview: z.string().nullable(),
  stderr_preview: z.string().nullable(),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>
export const historyReplySchema = z.object({
  entries: z.array(historyEntrySchema),
  next: z.int().nullable().describe('pass as `before` for the page after this one'),
})

/** `stats`: of one command, or of everything. */
export const statsCallSchema = z.strictObject({ ...schema1, command: z.string().optional() })
export const statsReplySchema = z.object({
  command: z.string().nullable(),
  total_executions: z.int(),
  successful: z.int(),
  failed: z.int(),
  success_rate: z.number().nullable(),
  avg_duration: z.number().nullable(),
  min_duration: z.number().nullable(),
  max_duration: z.number().nullable(),
  last_execution: z.string().nullable(),
  by_status: z.record(z.string(), z.int()),
  by_level: z.record(z.string(), z.int()),
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

/** `verify`: recomputes the audit chain. */
export const verifyReplySchema = z.object({
  intact: z.boolean(),
  events: z.int(),
  head: z.string().nullable(),
  first_bad: z.int().nullable(),
  problem: z.string().nullable(),
})

/** A call without arguments. */
export const emptyCallSchema = z.strictObject({ ...schema1 })
