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
  profile: z.string().describe('"none" where it was not confined'),
  reason: z.string().nullable().describe('why it was not confined, or not more'),
})
export type AppliedSandbox = z.infer<typeof appliedSandboxSchema>

/** `SYSTEM_ACTION_RESULT.<agent>.<action>`: the one terminal message of an action. */
export const actionResultSchema = z.object({
  schema: z.literal(1),
  action_id: z.string(),
  agent_id: z.string(),
  workflow_id: z.string().nullable(),
  command: z.string(),
  status: z.enum(resultStatuses),
  trust_level: trustLevelSchema.nullable(),
  approved_by: z
    .string()
    .nullable()
    .describe('an operator, "auto" for SAFE, null where nothing was approved'),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  success: z.boolean(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_bytes: z.int(),
  stderr_bytes: z.int(),
  truncated: z
    .boolean()
    .describe('whether stdout or stderr above leave something out; output_ref has it all'),
  output_ref: z.string().nullable(),
  duration: z.number().nullable().describe('seconds'),
  error_category: z.enum(errorCategories).nullable(),
  cwd: z.string().nullable(),
  venv_active: z.boolean(),
  sandbox: appliedSandboxSchema.nullish().describe('null where nothing was started'),
  warnings: z.array(z.string()),
  reason: z.string().nullable(),
  suggestion: z.string().nullable(),
  retry_after: z
    .number()
    .optional()
    .describe('seconds; the request was in order, and may be made again after them'),
  reused_from: z
    .int()
    .nullable()
    .describe('the execution whose result this is, where reuse_result was asked for'),
  execution_id: z.int().nullable(),
  hub_id: z.string(),
  requested_at: z.string(),
  finished_at: z.string(),
})
export type ActionResult = z.infer<typeof actionResultSchema>
