import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  type JetStreamManager,
  type JsMsg,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type SeqMsgRequest,
  type StoredMsg,
  type StreamConfig,
  type ConsumerMessages,
} from 'nats'
import type { Logger } from '../log/logger.ts'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'
import type { Bus, BusMessage } from './bus.ts'
import { busError } from './bus-error.ts'

/** A stream as this project wants it, kept in files. */
export interface StreamSettings {
  readonly name: string
  readonly description: string
  readonly subjects: readonly string[]
  /** `workqueue`: a message goes when it is acknowledged; `limits`: it stays until it is too old */
  readonly retention: 'workqueue' | 'limits'
  readonly maxAgeMs: number
  readonly maxMessagesPerSubject: number
  /** over the limit of a subject, refuse the new message or drop the oldest */
  readonly whenFull: 'refuse' | 'drop_oldest'
  readonly maxMessageBytes: number
}

/** One message of the work queue, not yet acknowledged. */
export interface Delivery extends BusMessage {
  /** names the message: the same on every delivery, and never another's, also when a stream was made anew */
  readonly messageId: string
  readonly redelivered: boolean
  /** Tells the broker that it need not come again. */
  ack(): void
  /** Asks the broker to bring it again after a delay in milliseconds. */
  nak(delayMs: number): void
}

/**
 * Makes a stream or brings its settings up to date.
 *
 * @throws {CentralPostError} `unavailable` when the broker has no JetStream or does not answer
 */
export async function ensureStream(bus: Bus, settings: StreamSettings): Promise<void> {
  const doing = `preparing the stream ${settings.name}`
  const config = streamConfig(settings)
  try {
    const manager = await bus.connection.jetstreamManager()
    try {
      await manager.streams.info(settings.name)
      await manager.streams.update(settings.name, config)
    } catch (error) {
      if (!isMissing(error)) throw error
      await manager.streams.add(config)
    }
  } catch (error) {
    throw jetStreamError(error, bus, doing)
  }
}

/**
 * Looks whether the broker keeps streams for this user.
 *
 * @throws {CentralPostError} `unavailable` when it has no JetStream or does not answer
 */
export async function checkJetStream(bus: Bus): Promise<void> {
  try {
    await bus.connection.jetstreamManager()
  } catch (error) {
    throw jetStreamError(error, bus, 'looking at JetStream')
  }
}

function jetStreamError(error: unknown, bus: Bus, doing: string): CentralPostError {
  if (!(error instanceof NatsError) || error.code !== '503') return busError(error, doing)
  return new CentralPostError(
    'unavailable',
    `${doing}: the broker at ${bus.server} has no JetStream for this user; start it with JetStream enabled`,
    { cause: error },
  )
}

/** How many messages a stream holds of one subject filter. */
export async function countMessages(bus: Bus, stream: string): Promise<number> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    return (await manager.streams.info(stream)).state.messages
  } catch (error) {
    throw busError(error, `looking at the stream ${stream}`)
  }
}

export interface QueueOptions {
  readonly stream: string
  readonly durable: string
  /** how long a delivery may stay unacknowledged before it comes again, in milliseconds */
  readonly ackWaitMs: number
  /** how many deliveries may be unacknowledged at a time */
  readonly maxAckPending: number
  readonly log: Logger
}

/**
 * A durable consumer of a work queue, kept alive: after a reconnect, a lost consumer or a lost stream it is set
 * up again. Deliveries are handed over as they come, without waiting for the one before.
 */
export class WorkQueue {
  readonly #bus: Bus
  readonly #options: QueueOptions
  readonly #receive: (delivery: Delivery) => void
  readonly #prepare: () => Promise<void>
  readonly #stopOnReconnect: () => void
  #messages: ConsumerMessages | undefined
  #stopping = false
  readonly #loop: Promise<void>

  private constructor(
    bus: Bus,
    options: QueueOptions,
    prepare: () => Promise<void>,
    receive: (delivery: Delivery) => void,
  ) {
    this.#bus = bus
    this.#options = options
    this.#prepare = prepare
    this.#receive = receive
    // a pull that was under way when the broker died is forgotten by it: ask anew
    this.#stopOnReconnect = bus.onReconnect(() => this.#messages?.stop())
    this.#loop = this.#run()
  }

  /**
   * Starts to consume.
   *
   * @param prepare makes the stream; called before the first pull and again whenever stream or consumer is gone
   * @throws {CentralPostError} when the first preparation fails
   */
  static async open(
    bus: Bus,
    options: QueueOptions,
    prepare: () => Promise<void>,
    receive: (delivery: Delivery) => void,
  ): Promise<WorkQueue> {
    await prepare()
    await ensureConsumer(bus, options)
    return new WorkQueue(bus, options, prepare, receive)
  }

  /** Takes no more deliveries. What was handed over may still be acknowledged. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#stopOnReconnect()
    this.#messages?.stop()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { stream, durable, log } = this.#options
    let first = true
    while (!this.#stopping) {
      try {
        if (!first) {
          await this.#prepare()
          await ensureConsumer(this.#bus, this.#options)
        }
        first = false
        const consumer = await this.#bus.connection.jetstream().consumers.get(stream, durable)
        this.#messages = await consumer.consume({ max_messages: 64, expires: 10_000 })
        if (this.#stopping) this.#messages.stop()
        const manager = await this.#bus.connection.jetstreamManager({ checkAPI: false })
        const { created } = await manager.streams.info(stream)
        for await (const message of this.#messages) this.#receive(toDelivery(message, created))
      } catch (error) {
        if (this.#stopping) return
        log.warn('work queue interrupted, trying again', { stream, error: messageOf(error) })
      }
      if (!this.#stopping) await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/**
 * Deletes messages that a broker killed with -9 brought back although the consumer has acknowledged them
 * (seen on 2.9.10): everything at or below the acknowledged floor.
 *
 * @param isDone asked for each such message; only those answered with true are deleted
 * @returns how many were deleted
 */
export async function sweepAcknowledged(
  bus: Bus,
  stream: string,
  durable: string,
  isDone: (message: Pick<Delivery, 'subject' | 'data' | 'messageId'>) => Promise<boolean>,
): Promise<number> {
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    const { ack_floor: floor } = await manager.consumers.info(stream, durable)
    const { created } = await manager.streams.info(stream)
    let deleted = 0
    for (let from = 1; ;) {
      const message = await nextMessage(manager, stream, from)
      if (message === undefined || message.seq > floor.stream_seq) return deleted
      const { subject, data, seq } = message
      if (await isDone({ subject, data, messageId: messageIdOf(created, seq) })) {
        await manager.streams.deleteMessage(stream, seq, false)
        deleted += 1
      }
      from = seq + 1
    }
  } catch (error) {
    throw busError(error, `sweeping the stream ${stream}`)
  }
}

async function nextMessage(
  manager: JetStreamManager,
  stream: string,
  from: number,
): Promise<StoredMsg | undefined> {
  try {
    // servers know next_by_subj since 2.9, the client's type does not
    const query: SeqMsgRequest & { next_by_subj: string } = { seq: from, next_by_subj: '>' }
    return await manager.streams.getMessage(stream, query)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** A place in one stream; a stream that is made anew was made at another time. */
function messageIdOf(streamCreated: string, seq: number): string {
  return `m${seq}-${Date.parse(streamCreated).toString(36)}`
}

function streamConfig(settings: StreamSettings): Partial<StreamConfig> & { name: string } {
  const isQueue = settings.retention === 'workqueue'
  const refuses = settings.whenFull === 'refuse'
  return {
    name: settings.name,
    description: settings.description,
    subjects: [...settings.subjects],
    storage: StorageType.File,
    retention: isQueue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    max_age: nanos(settings.maxAgeMs),
    max_msgs_per_subject: settings.maxMessagesPerSubject,
    discard: refuses ? DiscardPolicy.New : DiscardPolicy.Old,
    discard_new_per_subject: refuses,
    max_msg_size: settings.maxMessageBytes,
    // the ledger tells repetitions apart; the broker's window is one for all agents, so one could squat another's id
    duplicate_window: nanos(100),
    allow_direct: !isQueue,
  }
}

async function ensureConsumer(bus: Bus, options: QueueOptions): Promise<void> {
  const config: Partial<ConsumerConfig> = {
    durable_name: options.durable,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitMs),
    max_ack_pending: options.maxAckPending,
    max_deliver: -1,
  }
  try {
    const manager = await bus.connection.jetstreamManager({ checkAPI: false })
    await manager.consumers.add(options.stream, config)
  } catch (error) {
    throw busError(error, `preparing the consumer ${options.durable}`)
  }
}

function toDelivery(message: JsMsg, streamCreated: string): Delivery {
  return {
    subject: message.subject,
    data: message.data,
    reply: undefined,
    header: (name) => message.headers?.get(name) || undefined,
    messageId: messageIdOf(streamCreated, message.seq),
    redelivered: message.redelivered,
    ack: () => message.ack(),
    nak: (delayMs) => message.nak(delayMs),
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof NatsError && error.code === '404'
}
