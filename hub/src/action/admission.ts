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

/** What admission asks of the executor's side. */
export interface AdmissionParts {
  /** the real path of a directory inside the allowed roots, or a throw that names `cwd` */
  readonly checkCwd: (cwd: string) => Promise<string>
  /** the variable that a request may not set, with the reason, or null */
  readonly faultInEnv: (env: Readonly<Record<string, string>>) => string | null
  readonly defaultCwd: string
  readonly defaultTimeoutMs: number
  readonly maxTimeoutMs: number
  readonly hubId: string
}

/** What came on the wire, before anything is known of it but who sent it. */
export interface Incoming {
  readonly subject: string
  readonly data: Uint8Array
  /** the message's own place in the stream: the action id of a request that brings none */
  readonly messageId: string
  readonly receivedAt: number
}

export type Admission =
  | { readonly ok: true; readonly action: Action; readonly requestHash: string }
  | { readonly ok: false; readonly refused: Refused }

/** Bad input: recorded and answered, with as much as could be read of it. */
export interface Refused {
  readonly messageId: string
  readonly actionId: string
  readonly agentId: string
  readonly command: string
  readonly workflowId: string | null
  readonly reason: string
  readonly requestHash: string
  readonly requestedAt: number
  /** when the agent may come again, in seconds: what was asked for was in order, there was too much of it */
  readonly retryAfter?: number
}

/**
 * Checks a request once, at the edge: whatever passes is complete and within bounds. The agent is the subject's
 * token, which the broker has checked, and nothing else.
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
      // the same request has the same hash whatever becomes of it: it is told from another one by nothing else
      requestHash: hashOf(request === undefined ? incoming.data : canonical(request)),
      requestedAt: incoming.receivedAt,
    },
  })
  if (!isAgentId(agentId)) return refuse(`"${agentId}" is not an agent id`)
  let request: ActionRequest
  try {
    request = decode(actionRequestSchema, incoming.data)
  } catch (error) {
    return refuse(isCentralPostError(error) ? error.message : 'the payload cannot be read')
  }
  if (request.agent_id !== undefined && request.agent_id !== agentId) {
    return refuse(
      `agent_id: "${request.agent_id}" is not who sent this ("${agentId}"); leave it out`,
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
      `timeout: ${request.timeout} s is more than the ${parts.maxTimeoutMs / 1000} s that are allowed`,
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

/** The id of a request that fails the schema: its sender waits under it. */
function readableId(data: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data))
    const id = (value as { action_id?: unknown } | null)?.action_id
    return actionIdSchema.safeParse(id).success ? String(id) : null
  } catch {
    // not even JSON: there is no id to read
    return null
  }
}

function invalid(message: string): CentralPostError {
  return new CentralPostError('invalid_request', message)
}
