import {
  actionStream,
  allRequests,
  type Bus,
  type Delivery,
  hubConsumer,
  type Logger,
  type TraceHeaders,
  traceHeadersOf,
  WorkQueue,
} from '@centralpost/shared'
import { Pace, type SentAway } from './pace.ts'
import { prepareStreams, type StreamOptions } from './streams.ts'

/** A request as it came, with its place in the stream as the id of a request that brings none. */
export interface IncomingRequest {
  readonly subject: string
  readonly data: Uint8Array
  readonly messageId: string
  readonly receivedAt: number
  /** the trace that its sender began, if it did */
  readonly trace?: TraceHeaders
}

export type TakenIn = 'taken' | SentAway

export interface RequestQueueOptions extends StreamOptions {
  readonly now: () => number
  readonly log: Logger
}

/**
 * Brings requests in. A request is acknowledged when `take` has resolved, that is when it is in the ledger, and comes
 * again when it has not. Each agent's requests are read for themselves, one at a time and in their order: what one agent
 * sends, however much and however dear to judge, delays another by one request.
 */
export class RequestQueue {
  readonly #queue: WorkQueue

  private constructor(queue: WorkQueue) {
    this.#queue = queue
  }

  static async open(
    bus: Bus,
    options: RequestQueueOptions,
    take: (request: IncomingRequest) => Promise<TakenIn>,
  ): Promise<RequestQueue> {
    const { now, log } = options
    const pace = new Pace()
    const receive = async (delivery: Delivery): Promise<void> => {
      const { subject, data, messageId } = delivery
      const trace = traceHeadersOf((name) => delivery.header(name))
      try {
        await pace.turn(subject)
        pace.note(subject, await take({ subject, data, messageId, receivedAt: now(), trace }))
      } catch (error) {
        log.error('a request could not be taken in; the broker brings it again', {
          subject,
          error,
        })
        throw error
      }
    }
    const queue = { stream: actionStream, subjects: allRequests, name: hubConsumer, log }
    return new RequestQueue(
      await WorkQueue.open(bus, queue, () => prepareStreams(bus, options), receive),
    )
  }

  /** Takes no more; resolves when what was handed over is in the ledger. */
  async stop(): Promise<void> {
    await this.#queue.stop()
  }
}
