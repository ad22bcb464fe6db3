import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, type Msg, nanos } from 'nats'
import type { Logger } from '../log/logger.ts'
import { messageOf } from '../message-of.ts'
import type { Bus, BusMessage } from './bus.ts'
import { busError } from './bus-error.ts'
import { pull } from './pull.ts'
import { isMissing } from './streams.ts'
import { Backoff } from '../backoff.ts'

/** One message of a work queue, not yet acknowledged. */
export interface Delivery extends BusMessage {
  /** names the message: the same on every delivery, and never another's, also when a stream was made anew */
  readonly messageId: string
}

export interface SubjectQueueOptions {
  readonly stream: string
  /** when that stream was made, as the broker says it */
  readonly streamCreated: string
  readonly subject: string
  readonly consumer: string
  readonly log: Logger
}

/** Messages are handed over one at a time, so none waits so long for its acknowledgement. */
const ackWaitMs = 60_000
/** A cluster without a leader does not answer: it is asked again soon. */
const answerMs = 2000
const firstPauseMs = 100
const longestPauseMs = 2000
/** An acknowledgement can be lost with a broker: so many messages are known again that it then brings once more. */
const mostRemembered = 4096

/**
 * The messages of one subject of a work queue, one at a time, in the order in which they were sent. Each time when it is
 * not certain what the broker believes to have delivered (at the start, after a lost connection, a dead leader or a
 * failure of our own) the consumer is made anew: then everything that was not acknowledged comes at once, in its order, and
 * what a killed broker had brought back although it was acknowledged is acknowledged again.
 */
export class SubjectQueue {
  readonly subject: string
  /** when it last had a message, for whoever must choose which to close */
  lastActiveAt = performance.now()
  readonly #bus: Bus
  readonly #options: SubjectQueueOptions
  readonly #receive: (delivery: Delivery) => Promise<void>
  readonly #done = new Set<string>()
  readonly #ending = new AbortController()
  readonly #ended: Promise<void>
  #disturbed = new AbortController()

  /** @param receive resolves when a message may be acknowledged; a rejection brings it, and all after it, again */
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

  /** Has everything that is not acknowledged brought again. */
  renew(): void {
    this.#disturbed.abort()
  }

  /** Takes no more; resolves when the message that was handed over last is through. */
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
          // whoever may write to our inbox could send what looks like a delivery
          if (message.subject !== subject || !message.reply?.startsWith('$JS.ACK.')) continue
          await this.#handOver(message)
          pauses.reset()
        }
      } catch (error) {
        if (ending.aborted || this.#bus.isClosed) return
        log.warn('requests are not read for a moment', { subject, error: messageOf(error) })
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
      // looked at afterwards: a consumer goes with its stream, so that this one is of the stream that is seen here
      const { created } = await streams.info(stream)
      if (created !== streamCreated) {
        throw new Error(`the stream was made anew at ${created}: what is known of it is of another`)
      }
    } catch (error) {
      throw busError(error, `preparing the consumer ${consumer}`)
    }
  }
}

/**
 * A place in one stream; a stream that is made anew was made at another time. The broker writes the place into the
 * subject of the acknowledgement: `$JS.ACK.<stream>.<consumer>.<deliveries>.<place>.…`, with `<domain>.<account>` before
 * the stream in the newer form.
 */
function messageIdOf(streamCreated: string, reply: string): string {
  const tokens = reply.split('.')
  const seq = tokens[tokens.length === 9 ? 5 : 7] ?? ''
  return `m${seq}-${Date.parse(streamCreated).toString(36)}`
}
