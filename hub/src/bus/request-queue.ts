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

/** A request as received, with its stream sequence as the id of a request without one. */
export interface IncomingRequest {
  readonly subject: string
  readonly data: Uint8Array
  readonly messageId: string
  readonly receivedAt: number
  /** the sender's trace context, if any */
  readonly trace?: TraceHeaders
}

export type TakenIn = 'taken' | SentAway

export interface RequestQueueOptions extends StreamOptions {
  readonly now: () => number
  readonly log: Logger
}

/**
 * Consumes requests. A request is acknowledged when `take` has resolved, that is when it is in the
 * ledger; otherwise it is redelivered. Each agent's requests are read one at a time, in order.
 * However much one agent sends, it delays another by one request.
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
        log.error('taking a request in failed; the broker redelivers it', {
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

  /** Stops; resolves when delivered requests are in the ledger. */
  async stop(): Promise<void> {
    await this.#queue.stop()
  }
}
