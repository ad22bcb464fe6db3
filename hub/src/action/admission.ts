import { createHash } from 'node:crypto'
import {
  type ActionRequest,
  actionRequestSchema,
  actionIdSchema,
  canonical,
  CentralPostError,
  decode,
  isCentralPostError,
  isAgentId,
  subjectToken,
  printArgv,
} from '@centralpost/shared'
import type { Action } from './action.ts'

/** The executor's part of admission. */
export interface AdmissionParts {
  /** the real path of a directory inside the allowed roots; throws an error that names `cwd` */
  readonly checkCwd: (cwd: string) => Promise<string>
  /** a variable that a request may not set, with the reason, or null */
  readonly faultInEnv: (env: Readonly<Record<string, string>>) => string | null
  readonly defaultCwd: string
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  readonly hubId: string
}

/** A received message; only its sender is verified. */
export interface Incoming {
  readonly subject: string
  readonly data: Uint8Array
  /** the message's sequence in the stream: the action id of a request without one */
  readonly messageId: string
  readonly receivedAt: number
}

export type Admission =
  | { readonly ok: true; readonly action: Action; readonly requestHash: string }
  | { readonly ok: false; readonly refused: Refused }

/** Bad input: recorded and answered, with all readable fields. */
export interface Refused {
  readonly messageId: string
  readonly actionId: string
  readonly agentId: string
  readonly command: string
  readonly workflowId: string | null
  readonly reason: string
  readonly requestHash: string
  readonly requestedAt: number
  /** seconds until a retry may succeed: the request was valid, but exceeded a limit */
  readonly retryAfter?: number
}

/**
 * Validates a request once, at the edge: an admitted request is complete and within bounds. Only
 * the subject's token, authenticated by the broker, identifies the agent.
 */
export async function admit(incoming: Incoming, parts: AdmissionParts): Promise<Admission> {
  const agentId = subjectToken(incoming.subject, 1)
  const refuse = (reason: string, request?: ActionRequest): Admission => ({
    ok: false,
    refused: {
      messageId: incoming.messageId,
      actionId: request?.action_id ?? readableId(incoming.data) ?? incoming.messageId,
      agentId,
      command: request?.command ?? (request?.argv ? printArgv(request.argv) : ''),
      workflowId: request?.workflow_id ?? null,
      reason,
      // hashes the request as sent: the only way to tell a repeat from another request
      requestHash: hashOf(request === undefined ? incoming.data : canonical(request)),
      requestedAt: incoming.receivedAt,
    },
  })
  if (!isAgentId(agentId)) return refuse(`"${agentId}" is not a valid agent id`)
  let request: ActionRequest
  try {
    request = decode(actionRequestSchema, incoming.data)
  } catch (error) {
    return refuse(isCentralPostError(error) ? error.message : 'the payload is unreadable')
  }
  if (request.agent_id !== undefined && request.agent_id !== agentId) {
    return refuse(
      `agent_id: "${request.agent_id}" is not the sender ("${agentId}"); leave it out`,
      request,
    )
  }
  try {
    const action = await complete(request, agentId, incoming, parts)
    return { ok: true, action, requestHash: hashOf(canonical(request)) }
  } catch (error) {
    if (isCentralPostError(error)) return refuse(error.message, request)
    throw error
  }
}

async function complete(
  request: ActionRequest,
  agentId: string,
  incoming: Incoming,
  parts: AdmissionParts,
): Promise<Action> {
  if (request.target !== undefined && request.target !== parts.hubId) {
    throw invalid(`target: "${request.target}" is not this hub ("${parts.hubId}"); leave it out`)
  }
  const timeoutMs =
    request.timeout === undefined ? parts.defaultTimeoutMs : Math.ceil(request.timeout * 1000)
  if (timeoutMs > parts.maxTimeoutMs) {
    throw invalid(
      `timeout: ${request.timeout} s exceeds the limit of ${parts.maxTimeoutMs / 1000} s`,
    )
  }
  const env = request.env ?? {}
  const fault = parts.faultInEnv(env)
  if (fault !== null) throw invalid(`env: ${fault}`)
  return {
    messageId: incoming.messageId,
    actionId: request.action_id ?? incoming.messageId,
    agentId,
    agentType: request.agent_type ?? null,
    workflowId: request.workflow_id ?? null,
    command: request.command ?? printArgv(request.argv ?? []),
    argv: request.argv ?? null,
    context: request.context ?? null,
    cwd: await parts.checkCwd(request.cwd ?? parts.defaultCwd),
    env,
    timeoutMs,
    streamOutput: request.stream_output ?? true,
    reuseResult: request.reuse_result ?? false,
    expiresAt: request.expires_at === undefined ? null : Date.parse(request.expires_at),
    requestedAt: incoming.receivedAt,
  }
}

function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The id of a request that fails the schema: its sender waits for that id. */
function readableId(data: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data))
    const id = (value as { action_id?: unknown } | null)?.action_id
    return actionIdSchema.safeParse(id).success ? String(id) : null
  } catch {
    // not even JSON: contains no id
    return null
  }
}

function invalid(message: string): CentralPostError {
  return new CentralPostError('invalid_request', message)
}
