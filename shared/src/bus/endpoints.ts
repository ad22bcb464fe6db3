import type { Service, ServiceMsg } from 'nats'
import { encode } from '../messages/codec.ts'
import type { Logger } from '../log/logger.ts'
import { CentralPostError, isCentralPostError, type ProblemCode } from '../problem.ts'
import type { Bus } from './bus.ts'

/**
 * One endpoint of a NATS service: answers each message on `subject` with the result of `answer`.
 */
export interface Endpoint {
  readonly name: string
  readonly subject: string
  readonly description: string
  /** @param call `call.subject` names the caller, as authenticated by the broker */
  readonly answer: (call: {
    readonly subject: string
    readonly data: Uint8Array
  }) => Promise<object>
}

const defaultMaxBytes = 1_048_576

const numericCodes: Readonly<Record<ProblemCode, number>> = {
  invalid_request: 400,
  invalid_config: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  internal: 500,
  draining: 503,
  unavailable: 503,
  storage: 507,
}

/**
 * Serves endpoints as a NATS service (`nats micro ls` lists it). Answers carry `"schema": 1`; an
 * error becomes a service error and `{"schema":1,"error":{code,message,details}}`.
 *
 * @returns a function that stops serving
 */
export async function serveEndpoints(
  bus: Bus,
  options: { name: string; version: string; description: string; log: Logger },
  endpoints: readonly Endpoint[],
): Promise<{ stop(): Promise<void>; idle(): Promise<void> }> {
  const underway = new Set<Promise<void>>()
  const service: Service = await bus.connection.services.add({
    name: options.name,
    version: options.version,
    description: options.description,
  })
  for (const endpoint of endpoints) {
    service.addEndpoint(endpoint.name, {
      subject: endpoint.subject,
      metadata: { description: endpoint.description },
      handler: (error, message) => {
        if (error) {
          options.log.warn('endpoint refused', { endpoint: endpoint.name, error })
          return
        }
        // answers go to inboxes only: a forged reply subject must not make the hub publish
        // elsewhere
        if (!/^(_INBOX\.|_R_\.)/.test(message.reply ?? '')) {
          options.log.warn('endpoint called without an inbox for the answer', {
            subject: message.subject,
            reply: message.reply,
          })
          return
        }
        const call = answer(endpoint, message.subject, message.data, options.log)
          .then((reply) => {
            if (!bus.connection.isClosed())
              respond(message, reply, bus.connection.info?.max_payload)
          })
          .catch((fault: unknown) => {
            options.log.error('sending an answer failed', {
              endpoint: endpoint.name,
              error: fault,
            })
          })
        underway.add(call)
        void call.finally(() => underway.delete(call))
      },
    })
  }
  // clients may call as soon as they learn that the hub serves
  await bus.flush()
  return {
    stop: async () => {
      await service.stop()
    },
    idle: async () => {
      await Promise.allSettled(underway)
    },
  }
}

function respond(message: ServiceMsg, reply: Reply, maxBytes = defaultMaxBytes): void {
  if (reply.ok) {
    const bytes = encode({ schema: 1, ...reply.body })
    if (bytes.length <= maxBytes) {
      message.respond(bytes)
      return
    }
  }
  const error = reply.ok
    ? new CentralPostError(
        'invalid_request',
        `the answer exceeds the broker's limit of ${maxBytes} bytes; ask for less at a time`,
      )
    : reply.error
  message.respondError(
    numericCodes[error.code],
    error.code,
    encode({ schema: 1, error: error.toProblem() }),
  )
}

type Reply = { ok: true; body: object } | { ok: false; error: CentralPostError }

async function answer(
  endpoint: Endpoint,
  subject: string,
  data: Uint8Array,
  log: Logger,
): Promise<Reply> {
  try {
    return { ok: true, body: await endpoint.answer({ subject, data }) }
  } catch (error) {
    if (isCentralPostError(error)) return { ok: false, error }
    log.error('endpoint failed', { endpoint: endpoint.name, error })
    return {
      ok: false,
      error: new CentralPostError('internal', 'internal error of the hub; see its log'),
    }
  }
}
