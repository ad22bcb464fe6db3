import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from './ids.ts'
import { trustLevelSchema } from './trust.ts'
import { auditEventSchema } from './audit.ts'
import { actionStates } from './result.ts'

const schema1 = { schema: z.literal(1).default(1) }

/** A time: ISO 8601 with a zone, such as `2030-01-31T12:00:00Z`. */
export const momentSchema = z.iso.datetime({ offset: true })

/** Selects executions. All given filters must match; of a list, one item must. */
export const historyFilters = {
  query: z
    .string()
    .max(1024)
    .optional()
    .describe('words, "phrases", prefix*, flags, file names, paths, operators; never an error'),
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
  trust_level: trustLevelSchema.optional(),
  levels: z.array(trustLevelSchema).min(1).max(3).optional(),
  status: z.enum(actionStates).optional(),
  statuses: z.array(z.enum(actionStates)).min(1).max(actionStates.length).optional(),
  action_id: actionIdSchema.optional(),
  command: z
    .string()
    .max(65_536)
    .optional()
    .describe('only executions of this command, in normalised form: see `stats`'),
  since: momentSchema.optional().describe('requested at or after this time'),
  until: momentSchema.optional().describe('requested before this time'),
}

/** Marks around hits in a snippet: characters that no stored text contains. */
export const highlightStart = '\u{E000}'
export const highlightEnd = '\u{E001}'

/**
 * `history`: newest first. With a `query`, `order: best` ranks the newest hits (a bounded window);
 * `next` leads to the following page.
 */
export const historyCallSchema = z.strictObject({
  ...schema1,
  ...historyFilters,
  order: z
    .enum(['newest', 'best'])
    .default('newest')
    .describe('best: ranked among the newest hits of `query`'),
  before: z
    .int()
    .positive()
    .optional()
    .describe('an execution_id: only older ones (the cursor of `newest`)'),
  cursor: z.string().max(256).optional().describe('`next_cursor` of the previous page'),
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
  snippet: z
    .string()
    .nullable()
    .optional()
    .describe(
      'of a search: text around the hits, each between U+E000 and U+E001 (plain text: ' +
        'escape it before it becomes HTML)',
    ),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>
export const historyReplySchema = z.object({
  entries: z.array(historyEntrySchema),
  next: z.int().nullable().describe('pass as `before` for the next page'),
  next_cursor: z
    .string()
    .nullable()
    .describe('pass as `cursor` for the next page, in either order'),
})

/** `action`: one execution with its audit trail, in order. */
export const actionCallSchema = z.strictObject({
  ...schema1,
  action_id: actionIdSchema,
  agent_id: agentIdSchema.optional().describe('whose, where two agents used the same id'),
})
export const executionDetailSchema = historyEntrySchema.extend({
  argv: z.array(z.string()).nullable(),
  env: z.record(z.string(), z.string()),
  timeout: z.number().describe('seconds'),
  hub_id: z.string(),
  decided_by: z.string().nullable(),
  approved_at: z.string().nullable(),
  started_at: z.string().nullable(),
  venv_active: z.boolean().nullable(),
  output_size: z.int().nullable().describe('total bytes of each stream'),
  output_ref: z.string().nullable(),
  reused_from: z.int().nullable(),
  masked: z.boolean().describe('whether a probable secret was removed'),
  normalised: z.string().nullable().describe('the command in normalised form'),
})
export const actionReplySchema = z.object({
  execution: executionDetailSchema,
  events: z.array(auditEventSchema),
  events_cut: z.boolean().describe('whether more events exist than fit'),
})
export type ActionDetail = z.infer<typeof actionReplySchema>

/** `violations`: runs of Python and pip outside a virtual environment, most frequent first. */
export const violationsCallSchema = z.strictObject({
  ...schema1,
  agent_id: agentIdSchema.optional(),
  workflow_id: workflowIdSchema.optional(),
  since: momentSchema.optional(),
  until: momentSchema.optional(),
  limit: z.int().min(1).max(500).default(50),
})
export const violationsReplySchema = z.object({
  violations: z.array(
    z.object({
      command: z.string().describe('the normalised command'),
      example: z.string().describe('the latest one, verbatim'),
      count: z.int(),
      agents: z.array(z.string()).describe('agents that ran it, some of them'),
      last_execution: z.string(),
      last_execution_id: z.int(),
    }),
  ),
})

/** `export`: one page of executions, oldest request first, as text to append to a file. */
export const exportFormats = ['jsonl', 'csv'] as const
export const exportCallSchema = z.strictObject({
  ...schema1,
  ...historyFilters,
  format: z.enum(exportFormats).default('jsonl'),
  after: z.int().min(0).default(0).describe('`next` of the previous page'),
  limit: z.int().min(1).max(5000).default(1000),
})
export const exportReplySchema = z.object({
  text: z.string().describe('whole lines; CSV begins with a header on the first page'),
  count: z.int().describe('executions in this page'),
  next: z.int().nullable().describe('pass as `after`; null: end of the export'),
})
