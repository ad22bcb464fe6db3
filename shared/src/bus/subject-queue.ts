import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, type Msg, nanos } from 'nats'
import type { Logger } from '../log/logger.ts'
import { messageOf } from '../message-of.ts'
import type { Bus, BusMessage } from './bus.ts'
import { busError } from './bus-error.ts'
import { pull } from './pull.ts'
import { isMissing } from './streams.ts'
import { Backoff } from '../backoff.ts'

/** One unacknowledged message of a work queue. */
export interface Delivery extends BusMessage {
  /**
   * identifies the message: the same on every delivery and unique, even after the stream is
   * recreated
   */
  readonly messageId: string
}

export interface SubjectQueueOptions {
  readonly stream: string
  /** creation time of that stream, as the broker reports it */
  readonly streamCreated: string
  readonly subject: string
  readonly consumer: string
  readonly log: Logger
}

/** Ack timeout of the consumer; generous, since messages are delivered one at a time. */
const ackWaitMs = 60_000
/** Answer timeout: a cluster without a leader does not answer and is retried soon, in milliseconds. */
const answerMs = 2000
const firstPauseMs = 100
const longestPauseMs = 2000
/**
 * Number of acknowledged messages remembered: a broker that loses acknowledgements may redeliver
 * them.
 */
const mostRemembered = 4096

/**
 * Delivers the messages of one subject of a work queue, one at a time, in order. The consumer is
 * recreated whenever its delivery state is uncertain: at the start, after a lost connection, a dead
 * leader or a failure of our own. All unacknowledged messages then arrive again immediately, in
 * order. Messages that were acknowledged before a broker was killed are acknowledged again.
 */
export class SubjectQueue {
  readonly subject: string
  /** time of its last message; the queue closes the most idle one */
  lastActiveAt = performance.now()
  readonly #bus: Bus
  readonly #options: SubjectQueueOptions
  readonly #receive: (delivery: Delivery) => Promise<void>
  readonly #done = new Set<string>()
  readonly #ending = new AbortController()
  readonly #ended: Promise<void>
  #disturbed = new AbortController()

  /**
   * @param receive resolves to acknowledge the message; a rejection redelivers it and all later
   *   ones
   */
  constructor(
    bus: Bus,
    options: SubjectQueueOptions,
    receive: (delivery: Delivery) => Promise<void>,
  ) {
    this.#bus = bus
    this.#options = options
    this.subject = options.subject
    this.#receive = receive
    this.#ended = this.#run()
  }

  /** Redelivers all unacknowledged messages. */
  renew(): void {
    this.#disturbed.abort()
  }

  /** Stops; resolves when the current message is handled. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { stream, consumer, subject, log } = this.#options
    const ending = this.#ending.signal
    const pauses = new Backoff(firstPauseMs, longestPauseMs)
    while (!ending.aborted && !this.#bus.isClosed) {
      this.#disturbed = new AbortController()
      const signal = AbortSignal.any([ending, this.#disturbed.signal])
      try {
        await this.#renewConsumer()
        for await (const message of pull(this.#bus, stream, consumer, signal)) {
          // any client that may publish to our inbox could forge a delivery
          if (message.subject !== subject || !message.reply?.startsWith('$JS.ACK.')) continue
          await this.#handOver(message)
          pauses.reset()
        }
      } catch (error) {
        if (ending.aborted || this.#bus.isClosed) return
        log.warn('reading requests is interrupted', { subject, error: messageOf(error) })
        await delay(pauses.next(), undefined, { signal }).catch(() => {})
      }
    }
  }

  async #handOver(message: Msg): Promise<void> {
    const messageId = messageIdOf(this.#options.streamCreated, message.reply ?? '')
    if (!this.#done.has(messageId)) {
      await turn()
      await this.#receive({
        subject: message.subject,
        data: message.data,
        reply: undefined,
        header: (name) => message.headers?.get(name) || undefined,
        messageId,
      })
      this.#remember(messageId)
    }
    this.lastActiveAt = performance.now()
    message.respond('+ACK')
  }

  #remember(messageId: string): void {
    this.#done.add(messageId)
    if (this.#done.size <= mostRemembered) return
    for (const oldest of this.#done) {
      this.#done.delete(oldest)
      return
    }
  }

  async #renewConsumer(): Promise<void> {
    const { stream, streamCreated, consumer, subject } = this.#options
    try {
      const { consumers, streams } = await this.#bus.connection.jetstreamManager({
        checkAPI: false,
        timeout: answerMs,
      })
      await consumers.delete(stream, consumer).catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
      await consumers.add(stream, {
        durable_name: consumer,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        ack_wait: nanos(ackWaitMs),
        max_deliver: -1,
      })
      // checked afterwards: a consumer is deleted with its stream, so this one belongs to the
      // stream seen here
      const { created } = await streams.info(stream)
      if (created !== streamCreated) {
        throw new Error(
          `the stream was recreated at ${created}: earlier delivery state does not apply`,
        )
      }
    } catch (error) {
      throw busError(error, `preparing the consumer ${consumer}`)
    }
  }
}

/**
 * A message's sequence in one stream; a recreated stream has another creation time. The broker puts
 * the sequence into the ack subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.…`, with
 * `<domain>.<account>` before the stream in the newer form.
 */
function messageIdOf(streamCreated: string, reply: string): string {
  const tokens = reply.split('.')
  const seq = tokens[tokens.length === 9 ? 5 : 7] ?? ''
  return `m${seq}-${Date.parse(streamCreated).toString(36)}`
}
