import { z } from 'zod'
import { actionIdSchema, agentIdSchema, workflowIdSchema } from '../ids.ts'

/** Upper bound of a command's text, in bytes of UTF-8 (also of all of `argv` together). */
export const maxCommandBytes = 16 * 1024

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8')

const shellText = z
  .string()
  .min(1, 'must not be empty')
  .refine((text) => text.trim() !== '', 'must not be blank')
  .refine((text) => !text.includes('\0'), 'must not contain NUL')
  .refine((text) => bytesOf(text) <= maxCommandBytes, {
    error: (issue) =>
      `is ${bytesOf(String(issue.input))} bytes long, at most ${maxCommandBytes} are allowed`,
  })

const argvWord = z.string().refine((text) => !text.includes('\0'), 'must not contain NUL')

/**
 * `SYSTEM_ACTION_REQUEST.<agent>`: what an agent asks for. The agent's identity is the subject token;
 * `agent_id` may repeat it and must then be equal. Exactly one of `command` and `argv` is given.
 */
export const actionRequestSchema = z
  .strictObject({
    schema: z.literal(1).default(1),
    action_id: actionIdSchema
      .optional()
      .describe('the idempotency key; made by the hub when absent'),
    agent_id: agentIdSchema.optional().describe('must equal the agent of the subject'),
    agent_type: z.string().max(64).optional().describe('a role, shown to the approver'),
    workflow_id: workflowIdSchema
      .optional()
      .describe('groups actions; always rules may hold within it'),
    command: shellText
      .optional()
      .describe(`a command line in bash, at most ${maxCommandBytes} bytes`),
    argv: z
      .array(argvWord)
      .min(1)
      .max(1024)
      .refine((argv) => argv[0] !== '', 'must name a program')
      .refine((argv) => argv.reduce((sum, word) => sum + bytesOf(word) + 1, 0) <= maxCommandBytes, {
        error: `must be at most ${maxCommandBytes} bytes together`,
      })
      .optional()
      .describe(`program and arguments, without a shell; at most ${maxCommandBytes} bytes`),
    expires_at: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('the command never starts after this moment'),
    context: z
      .string()
      .max(8192)
      .optional()
      .describe('the reason for the request, shown to the approver'),
    cwd: z
      .string()
      .min(1)
      .max(4096)
      .refine((path) => path.startsWith('/'), 'must be an absolute path')
      .refine((path) => !path.includes('\0'), 'must not contain NUL')
      .optional()
      .describe('the directory, absolute and below one of the hub’s roots; absent: the first root'),
    env: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'is not a name of a variable'),
        z
          .string()
          .max(8192)
          .refine((value) => !value.includes('\0'), 'must not contain NUL'),
      )
      .refine((env) => Object.keys(env).length <= 64, 'must hold at most 64 variables')
      .refine(
        (env) => bytesOf(JSON.stringify(env)) <= 65_536,
        'must be at most 65536 bytes of JSON',
      )
      .optional()
      .describe('variables for the command, at most 64; shown to the approver'),
    timeout: z.number().positive().optional().describe('seconds; at most execution.max_timeout'),
    position: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('how far the agent has come, from 0 to 1'),
    reuse_result: z
      .boolean()
      .optional()
      .describe(
        'accepts the result of an equal SAFE action of the same workflow, if nothing that may write ran since',
      ),
    stream_output: z.boolean().optional().describe('false: no live output is published'),
    target: z.string().optional().describe("reserved: anything but the hub's own name is rejected"),
  })
  .refine((request) => (request.command === undefined) !== (request.argv === undefined), {
    error: 'exactly one of command and argv must be given',
    path: ['command'],
  })

export type ActionRequest = z.infer<typeof actionRequestSchema>
