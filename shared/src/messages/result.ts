import { z } from 'zod'
import { trustLevelSchema } from '../trust.ts'

/** How an action can end. Every accepted request ends in exactly one of these. */
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

/** Where an action stands. The first three move on, the others are final. */
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

/** How a command was confined when it ran. */
export const appliedSandboxSchema = z.object({
  profile: z.string().describe('"none": it was not confined'),
  reason: z.string().nullable().describe('why confinement was absent or limited'),
})
export type AppliedSandbox = z.infer<typeof appliedSandboxSchema>

/** `SYSTEM_ACTION_RESULT.<agent>.<action>`: the one terminal message of an action. */
export const actionResultSchema = z.object({
  schema: z.literal(1),
  action_id: z.string(),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
  command: z.string().describe('as it was asked for; `argv` is printed in shell form'),
  status: z.enum(resultStatuses).describe('how the action ended'),
  trust_level: trustLevelSchema.nullable().describe('null: the request was not judged'),
  approved_by: z
    .string()
    .nullable()
    .describe('an operator, "auto" for SAFE, null where nothing was approved'),
  exit_code: z.int().nullable().describe('null: nothing ran, or a signal ended it'),
  signal: z.string().nullable().describe('the signal that ended the command'),
  success: z.boolean().describe('the command ran and exited with 0'),
  stdout: z.string().describe('head and tail, bounded by execution.inline_bytes'),
  stderr: z.string().describe('head and tail, bounded by execution.inline_bytes'),
  stdout_bytes: z.int().describe('how much the command wrote in all'),
  stderr_bytes: z.int().describe('how much the command wrote in all'),
  truncated: z.boolean().describe('stdout or stderr above leave something out'),
  output_ref: z
    .string()
    .nullable()
    .describe('present where whole output is kept; read it by `output`'),
  duration: z.number().nullable().describe('seconds from start to end'),
  error_category: z.enum(errorCategories).nullable().describe('the kind of failure'),
  cwd: z.string().nullable().describe('the directory in which it ran'),
  venv_active: z.boolean().describe('a Python virtual environment was active'),
  sandbox: appliedSandboxSchema.nullish().describe('null where nothing was started'),
  warnings: z
    .array(z.string())
    .describe('facts that may mislead, such as a view limited by the sandbox'),
  reason: z.string().nullable().describe('why it was denied, rejected, cancelled or interrupted'),
  suggestion: z.string().nullable().describe('another way, from the rule or the operator'),
  retry_after: z
    .number()
    .optional()
    .describe('seconds after which the same request may be made again'),
  reused_from: z
    .int()
    .nullable()
    .describe('the execution that gave this result, where reuse_result was set'),
  execution_id: z.int().nullable().describe('the number in the history'),
  hub_id: z.string().describe('the hub that answers'),
  requested_at: z.string().describe('ISO 8601, by the hub’s clock'),
  finished_at: z.string().describe('ISO 8601, by the hub’s clock'),
})
export type ActionResult = z.infer<typeof actionResultSchema>
