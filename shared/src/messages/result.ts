import { z } from 'zod'
import { trustLevelSchema } from './trust.ts'

/** The final statuses of an action. Every accepted request ends in exactly one of these. */
export const resultStatuses = [
  'completed',
  'failed',
  'timed_out',
  'denied',
  'expired',
  'cancelled',
  'interrupted',
  'rejected',
] as const
export type ResultStatus = (typeof resultStatuses)[number]

/** The states of an action. The first three are transient, the others final. */
export const actionStates = ['pending', 'queued', 'running', ...resultStatuses] as const
export type ActionState = (typeof actionStates)[number]

export const errorCategories = [
  'timeout',
  'permission',
  'not_found',
  'syntax',
  'runtime',
  'resource',
  'network',
  'cancelled',
  'output_limit',
  'interrupted',
] as const
export type ErrorCategory = (typeof errorCategories)[number]

/** How a command was confined. */
export const appliedSandboxSchema = z.object({
  profile: z.string().describe('"none": not confined'),
  reason: z.string().nullable().describe('why confinement was absent or limited'),
})
export type AppliedSandbox = z.infer<typeof appliedSandboxSchema>

/** `SYSTEM_ACTION_RESULT.<agent>.<action>`: the one terminal message of an action. */
export const actionResultSchema = z.object({
  schema: z.literal(1),
  action_id: z.string(),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
  command: z.string().describe('as requested; `argv` is printed in shell form'),
  status: z.enum(resultStatuses).describe('the final status'),
  trust_level: trustLevelSchema.nullable().describe('null: the request was not judged'),
  approved_by: z
    .string()
    .nullable()
    .describe('an operator, "auto" for SAFE, null without an approval'),
  exit_code: z.int().nullable().describe('null: nothing ran, or a signal ended it'),
  signal: z.string().nullable().describe('the signal that ended the command'),
  success: z.boolean().describe('the command ran and exited with 0'),
  stdout: z.string().describe('head and tail, bounded by execution.inline_bytes'),
  stderr: z.string().describe('head and tail, bounded by execution.inline_bytes'),
  stdout_bytes: z.int().describe('total bytes written by the command'),
  stderr_bytes: z.int().describe('total bytes written by the command'),
  truncated: z.boolean().describe('stdout or stderr above is incomplete'),
  output_ref: z
    .string()
    .nullable()
    .describe('present if the complete output is kept; read it with `output`'),
  duration: z.number().nullable().describe('seconds from start to end'),
  error_category: z.enum(errorCategories).nullable().describe('the kind of failure'),
  cwd: z.string().nullable().describe('the working directory'),
  venv_active: z.boolean().describe('a Python virtual environment was active'),
  sandbox: appliedSandboxSchema.nullish().describe('null if nothing was started'),
  warnings: z
    .array(z.string())
    .describe('facts that may mislead, such as a view limited by the sandbox'),
  reason: z.string().nullable().describe('why it was denied, rejected, cancelled or interrupted'),
  suggestion: z.string().nullable().describe('an alternative, from the rule or the operator'),
  retry_after: z
    .number()
    .optional()
    .describe('seconds after which the same request may be repeated'),
  reused_from: z
    .int()
    .nullable()
    .describe('the execution that produced this result, with reuse_result'),
  execution_id: z.int().nullable().describe('the number in the history'),
  hub_id: z.string().describe('the answering hub'),
  requested_at: z.string().describe('ISO 8601, by the hub’s clock'),
  finished_at: z.string().describe('ISO 8601, by the hub’s clock'),
})
export type ActionResult = z.infer<typeof actionResultSchema>
