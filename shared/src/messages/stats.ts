import { z } from 'zod'
import { agentIdSchema, workflowIdSchema } from './ids.ts'
import { momentSchema } from './history.ts'

const schema1 = { schema: z.literal(1).default(1) }
const counts = z.record(z.string(), z.int())

/** Durations in seconds; null without runs. */
export const durationsSchema = z.object({
  count: z.int(),
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
  max: z.number().nullable(),
})
export type Durations = z.infer<typeof durationsSchema>

/** `stats`: of one command, or of everything. */
export const statsCallSchema = z.strictObject({
  ...schema1,
  command: z.string().max(65_536).optional(),
})

/** One earlier run of the same normalised command. */
export const earlierRunSchema = z.object({
  execution_id: z.int(),
  action_id: z.string(),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
  command: z.string(),
  status: z.string(),
  approved_by: z.string().nullable(),
  exit_code: z.int().nullable(),
  duration: z.number().nullable().describe('seconds'),
  error_category: z.string().nullable(),
  requested_at: z.string(),
})
export const statsReplySchema = z.object({
  command: z.string().nullable(),
  normalised: z.string().nullable().describe('the command in normalised form'),
  total_executions: z.int(),
  successful: z.int(),
  failed: z.int(),
  success_rate: z.number().nullable(),
  avg_duration: z.number().nullable(),
  min_duration: z.number().nullable(),
  max_duration: z.number().nullable(),
  last_execution: z.string().nullable(),
  by_status: counts,
  by_level: counts,
  similar: z
    .object({
      total_executions: z.int(),
      successful: z.int(),
      failed: z.int(),
      denied: z.int(),
      success_rate: z.number().nullable(),
      avg_duration: z.number().nullable().describe('seconds'),
      last_execution: z.string().nullable(),
      recent: z.array(earlierRunSchema).describe('the newest, at most 10'),
    })
    .nullable()
    .describe('of all commands with the same normalised form; null without `command`'),
})
export type CommandStatistics = z.infer<typeof statsReplySchema>

/** `overview`: a summary of a time range. */
export const overviewCallSchema = z.strictObject({
  ...schema1,
  since: momentSchema.optional().describe('absent: 24 hours before `until`'),
  until: momentSchema.optional().describe('absent: now'),
  buckets: z.int().min(1).max(200).default(48),
  top: z.int().min(1).max(100).default(10).describe('limit of each list'),
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
})
export const overviewReplySchema = z.object({
  since: z.string(),
  until: z.string(),
  total: z.int(),
  by_status: counts,
  by_level: counts,
  by_error: counts.describe('failures by error category'),
  buckets: z.array(
    z.object({ at: z.string().describe('its begin'), by_status: counts, by_level: counts }),
  ),
  durations: durationsSchema.describe('fraction of runs that succeeded'),
  waiting: durationsSchema.describe('from request to a person’s approval'),
  approvals: z
    .object({ approved: z.int(), denied: z.int(), expired: z.int(), by_rule: z.int() })
    .describe('outcomes of the requests that needed approval'),
  programs: z.array(
    z.object({
      program: z.string(),
      executions: z.int(),
      successful: z.int(),
      failed: z.int(),
      success_rate: z.number().nullable(),
      avg_duration: z.number().nullable().describe('seconds'),
    }),
  ),
  denied: z
    .array(z.object({ command: z.string(), count: z.int(), last: z.string() }))
    .describe('normalised commands refused most often'),
  agents: z.array(
    z.object({
      agent_id: z.string(),
      executions: z.int(),
      successful: z.int(),
      failed: z.int(),
      denied: z.int(),
    }),
  ),
})
export type Overview = z.infer<typeof overviewReplySchema>
