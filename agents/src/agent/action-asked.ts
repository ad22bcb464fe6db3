import { createHash } from 'node:crypto'
import {
  type ActionRequest,
  actionRequestSchema,
  canonical,
  CentralPostError,
  check,
} from '@centralpost/shared'

/** A request for an action. Give exactly one of `command` and `argv`. */
export interface ActionAsked {
  /** a shell command line */
  readonly command?: string
  /** a program and its arguments, run without a shell */
  readonly argv?: readonly string[]
  /** the idempotency key: the same id twice is one action @default a new one */
  readonly actionId?: string
  readonly workflowId?: string | number
  readonly agentType?: string
  /** the purpose, for the operator who may have to approve it */
  readonly context?: string
  /** an absolute path @default the hub's default */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** time limit of the command, in seconds @default the hub's default */
  readonly timeoutSeconds?: number
  /** the action never starts after this time */
  readonly expiresAt?: Date
  /** progress of the agent's task, 0 to 1 */
  readonly position?: number
  /** whether to publish output while the command runs @default the hub's default */
  readonly streamOutput?: boolean
  /** whether to accept the result of an earlier, equal action */
  readonly reuseResult?: boolean
}

/** A request as sent, with its id. */
export type AddressedRequest = ActionRequest & { readonly action_id: string }

/**
 * Converts a request to its wire form.
 *
 * @throws {CentralPostError} `invalid_request` naming the invalid field and value
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

/** Two requests with one id are the same action if their fingerprints are equal. */
export function contentOf(request: AddressedRequest): string {
  return createHash('sha256').update(canonical(request)).digest('base64')
}
