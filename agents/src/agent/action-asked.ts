import { createHash } from 'node:crypto'
import {
  type ActionRequest,
  actionRequestSchema,
  canonical,
  CentralPostError,
  check,
} from '@centralpost/shared'

/** What an agent asks for. Exactly one of `command` and `argv` is given. */
export interface ActionAsked {
  /** the text of a command, as a shell would read it */
  readonly command?: string
  /** a program and its arguments; no shell reads them */
  readonly argv?: readonly string[]
  /** the idempotency key: the same id twice is one action @default a new one */
  readonly actionId?: string
  readonly workflowId?: string | number
  readonly agentType?: string
  /** why, for the person who may have to approve it */
  readonly context?: string
  /** an absolute path @default the hub's default */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** how long the command may run, in seconds @default the hub's default */
  readonly timeoutSeconds?: number
  /** never started later than that */
  readonly expiresAt?: Date
  /** how far the agent is on its way, 0 to 1 */
  readonly position?: number
  /** whether output is sent while the command runs @default the hub's default */
  readonly streamOutput?: boolean
  /** whether the result of an earlier, equal action will do */
  readonly reuseResult?: boolean
}

/** A request as it travels, with its id. */
export type AddressedRequest = ActionRequest & { readonly action_id: string }

/**
 * Puts what an agent asks for in the form of the wire.
 *
 * @throws {CentralPostError} `invalid_request` naming the field and the value that do not fit
 */
export function toRequest(asked: ActionAsked, actionId: string): AddressedRequest {
  const { expiresAt } = asked
  if (expiresAt && Number.isNaN(expiresAt.getTime())) {
    throw new CentralPostError('invalid_request', 'expiresAt is not a valid date')
  }
  const fields = {
    schema: 1,
    action_id: actionId,
    agent_type: asked.agentType,
    workflow_id: asked.workflowId,
    command: asked.command,
    argv: asked.argv,
    context: asked.context,
    cwd: asked.cwd,
    env: asked.env,
    timeout: asked.timeoutSeconds,
    expires_at: expiresAt?.toISOString(),
    position: asked.position,
    stream_output: asked.streamOutput,
    reuse_result: asked.reuseResult,
  }
  const given = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  )
  return { ...check(actionRequestSchema, given), action_id: actionId }
}

/** Two requests with one id are the same action when this is equal. */
export function contentOf(request: AddressedRequest): string {
  return createHash('sha256').update(canonical(request)).digest('base64')
}
