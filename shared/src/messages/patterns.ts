import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from './ids.ts'
import { alwaysDecisions, trustLevelSchema } from './trust.ts'
import { alwaysRuleSchema } from './endpoints.ts'
import { momentSchema } from './history.ts'

const schema1 = { schema: z.literal(1).default(1) }

/** The purpose of a pattern. */
export const taskCategories = [
  'environment',
  'packages',
  'build',
  'test',
  'version-control',
  'files',
  'containers',
  'services',
  'data',
  'network',
  'inspection',
  'other',
] as const
export type TaskCategory = (typeof taskCategories)[number]

/** Preconditions of a pattern, as seen in the history. */
export const preconditionsSchema = z.object({
  venv: z.boolean().optional().describe('a virtual environment was active in every success'),
  cwd_kind: z
    .string()
    .optional()
    .describe('the kind of directory, such as python-project, node-project, repository'),
  files: z.array(z.string()).optional().describe('files present in every success'),
})
export type Preconditions = z.infer<typeof preconditionsSchema>

/** A command sequence that worked, with `{parameters}` for varying parts. */
export const commandPatternSchema = z.object({
  pattern_id: z.int(),
  pattern_name: z.string(),
  command_sequence: z.array(z.string()),
  parameters: z.record(z.string(), z.array(z.string())).describe('values seen, some of them'),
  task_category: z.enum(taskCategories),
  preconditions: preconditionsSchema,
  origin: z.enum(['mined', 'created']),
  success_rate: z.number().nullable().describe('success rate of its uses, 0 to 1'),
  usage_count: z.int(),
  avg_duration: z.number().nullable().describe('seconds per use'),
  support: z.int().describe('number of workflows in which it succeeded when it was mined'),
  created_at: z.string(),
  updated_at: z.string(),
})
export type CommandPattern = z.infer<typeof commandPatternSchema>

/** A suggestion with its reason. Suggestions are advice; the hub judges every request as usual. */
export const suggestionSchema = z.object({
  kind: z.enum(['pattern', 'fix', 'next']),
  commands: z.array(z.string()).describe('with {parameters} for varying parts'),
  parameters: z.record(z.string(), z.array(z.string())),
  why: z.string(),
  score: z.number().describe('0 to 1: the weight of evidence in the history'),
  successes: z.int(),
  failures: z.int(),
  avg_duration: z.number().nullable().describe('seconds'),
  preconditions: preconditionsSchema,
  pattern_id: z.int().nullable(),
})
export type Suggestion = z.infer<typeof suggestionSchema>

/** `patterns` of an agent: what worked for a task, or fixed a similar failure. */
export const agentPatternsCallSchema = z
  .strictObject({
    ...schema1,
    task: z.string().min(1).max(1024).optional().describe('the task, in words'),
    after: actionIdSchema
      .optional()
      .describe(
        "one of the agent's actions: suggests a fix for its failure, or the usual next step",
      ),
    category: z.enum(taskCategories).optional(),
    limit: z.int().min(1).max(50).default(10),
  })
  .refine((call) => [call.task, call.after, call.category].some((one) => one !== undefined), {
    error: 'give one of task, after and category',
    path: ['task'],
  })
export const agentPatternsReplySchema = z.object({ suggestions: z.array(suggestionSchema) })

/** `patterns` of an operator. */
export const operatorPatternsCallSchema = z.strictObject({
  ...schema1,
  list: z
    .enum(['patterns', 'successes', 'failures'])
    .default('patterns')
    .describe('mined and created patterns; normalised commands that succeed; those that fail'),
  category: z.enum(taskCategories).optional(),
  workflow_id: workflowIdSchema.optional(),
  since: momentSchema.optional(),
  least: z.int().min(1).default(3).describe('minimum number of executions, or failures'),
  limit: z.int().min(1).max(500).default(50),
  mine: z.boolean().default(false).describe('mines the history first'),
  create: z
    .strictObject({
      pattern_name: z.string().min(1).max(128),
      command_sequence: z.array(z.string().min(1).max(4096)).min(1).max(20),
      task_category: z.enum(taskCategories),
      preconditions: preconditionsSchema.optional(),
    })
    .optional()
    .describe('adds a pattern by hand'),
})
export const commandPatternStatsSchema = z.object({
  command: z.string().describe('the normalised command'),
  example: z.string(),
  uses: z.int(),
  successful: z.int(),
  failed: z.int(),
  success_rate: z.number(),
  avg_duration: z.number().nullable().describe('seconds'),
  last_execution: z.string(),
  error_category: z.string().nullable().describe('of failures: the most frequent one'),
  last_error: z.string().nullable().describe('of failures: the beginning of the last stderr'),
  fixed_by: z
    .array(z.object({ command: z.string(), times: z.int() }))
    .describe('of failures: commands between one and a success of the same command'),
})
export type CommandPatternStats = z.infer<typeof commandPatternStatsSchema>
export const operatorPatternsReplySchema = z.object({
  patterns: z.array(commandPatternSchema),
  commands: z.array(commandPatternStatsSchema).describe('for `successes` and `failures`'),
})

/**
 * `proposals`: always rules proposed from repeated approvals. The query approves nothing: an
 * operator must decide.
 */
export const proposalsCallSchema = z.strictObject({
  ...schema1,
  least: z.int().min(2).max(1000).default(3).describe('minimum number of approvals by persons'),
  since: momentSchema.optional().describe('absent: 30 days ago'),
  limit: z.int().min(1).max(100).default(20),
})
export const proposalSchema = z.object({
  decision: z.enum(alwaysDecisions),
  command: z.string().describe('the normalised command'),
  example: z.string().describe('the newest approved one'),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
  rule: z.string().nullable().describe('the rule, verbatim'),
  trust_level: trustLevelSchema,
  approvals: z.int(),
  approved_by: z.array(z.string()),
  denials: z.int().describe('always 0: a command denied once is not proposed'),
  successful: z.int(),
  failed: z.int(),
  avg_wait: z.number().nullable().describe('seconds until approval'),
  support: z
    .array(
      z.object({
        execution_id: z.int(),
        action_id: z.string(),
        agent_id: z.string(),
        command: z.string(),
        approved_by: z.string(),
        status: z.string(),
        requested_at: z.string(),
      }),
    )
    .describe('the approvals behind it, the newest 20 at most'),
})
export type Proposal = z.infer<typeof proposalSchema>
export const proposalsReplySchema = z.object({ proposals: z.array(proposalSchema) })

/**
 * `accept`: an operator makes a proposed rule. The proposal must be unchanged: the same rule, from
 * approvals that include the named one, with no denial since and no rule that already covers it.
 */
export const acceptCallSchema = z.strictObject({
  ...schema1,
  agent_id: agentIdSchema,
  action_id: actionIdSchema.describe('one of the approvals shown for it'),
  decision: z.enum(alwaysDecisions),
  rule: z.string().min(1).describe('the rule, verbatim as shown'),
  least: proposalsCallSchema.shape.least,
  since: proposalsCallSchema.shape.since.describe('the query passed to `proposals`'),
  expires_in: z.number().positive().optional().describe('seconds until the rule expires'),
  comment: z.string().max(1024).optional(),
})
export const acceptReplySchema = z.object({ rule: alwaysRuleSchema })
