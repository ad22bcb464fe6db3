import {
  actionStream,
  type Bus,
  type Delivery,
  hubConsumer,
  type Logger,
  messageOf,
  subjectToken,
  sweepAcknowledged,
  type TraceHeaders,
  traceHeadersOf,
  WorkQueue,
} from '@centralpost/shared'
import { prepareStreams, type StreamOptions } from './streams.ts'
import { Turns } from './turns.ts'

/** A request as it came, with its place in the stream as the id of a request that brings none. */
export interface IncomingRequest {
  readonly subject: string
  readonly data: Uint8Array
  readonly messageId: string
  readonly receivedAt: number
  /** the trace that its sender began, if it did */
  readonly trace?: TraceHeaders
}

export interface RequestQueueOptions extends StreamOptions {
  readonly now: () => number
  readonly log: Logger
}

/**
 * Brings requests in. A request is acknowledged when `take` has resolved, that is when it is in the ledger, and comes
 * again when it has not. Agents take turns: one that sends what is dear to judge delays another by one of its requests,
 * and what it may have in the queue never keeps another's from being delivered.
 */
export class RequestQueue {
  readonly #queue: WorkQueue
  readonly #underway: Set<Promise<void>>

  private constructor(queue: WorkQueue, underway: Set<Promise<void>>) {
    this.#queue = queue
    this.#underway = underway
  }

  static async open(
    bus: Bus,
    options: RequestQueueOptions,
    take: (request: IncomingRequest) => Promise<void>,
  ): Promise<RequestQueue> {
    const { log } = options
    const underway = new Set<Promise<void>>()
    const turns = new Turns()
    const receive = (delivery: Delivery): void => {
      const trace = traceHeadersOf((name) => delivery.header(name))
      const incoming = { ...incomingOf(delivery, options.now()), trace }
      const intake = turns
        .take(subjectToken(delivery.subject, 1), () => take(incoming))
        .then(() => delivery.ack())
        .catch((error: unknown) => {
          log.error('a request could not be taken in; the broker brings it again', {
            subject: delivery.subject,
            error,
          })
          delivery.nak(1000)
        })
        .finally(() => underway.delete(intake))
      underway.add(intake)
    }
    const prepare = async (): Promise<void> => {
      await prepareStreams(bus, options)
    }
    const queue = await WorkQueue.open(
      bus,
      {
        stream: actionStream,
        durable: hubConsumer,
        ackWaitMs: 30_000,
        maxAckPending: options.queuedPerAgent + 256,
        log,
      },
      prepare,
      receive,
    )
    return new RequestQueue(queue, underway)
  }

  /** Takes no more; resolves when what was delivered is in the ledger. */
  async stop(): Promise<void> {
    await this.#queue.stop()
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway)
  }
}

/**
 * Clears messages out that a broker's death brought back although they were acknowledged; they would fill an
 * agent's quota. They go through `take` once more, which knows them.
 */
export async function sweepRequests(
  bus: Bus,
  log: Logger,
  take: (request: IncomingRequest) => Promise<void>,
  now: () => number,
): Promise<void> {
  try {
    const swept = await sweepAcknowledged(bus, actionStream, hubConsumer, async (message) => {
      await take(incomingOf(message, now()))
      return true
    })
    if (swept > 0) log.info('cleared requests that a broker brought back', { swept })
  } catch (error) {
    log.warn('could not clear old requests', { error: messageOf(error) })
  }
}

function incomingOf(
  { subject, data, messageId }: Pick<Delivery, 'subject' | 'data' | 'messageId'>,
  receivedAt: number,
): IncomingRequest {
  return { subject, data, messageId, receivedAt }
}
