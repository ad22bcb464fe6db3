import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamManager } from 'nats'
import type { Logger } from '../log/logger.ts'
import { messageOf } from '../message-of.ts'
import type { Bus } from './bus.ts'
import { busError } from './bus-error.ts'
import { isMissing } from './streams.ts'
import { type Delivery, SubjectQueue } from './subject-queue.ts'
import { Backoff } from '../backoff.ts'

export interface WorkQueueOptions {
  readonly stream: string
  /** the subjects of the stream, as one pattern */
  readonly subjects: string
  /** the prefix of its consumers' names */
  readonly name: string
  /** limit of open consumers; the most idle one is closed @default 1000 */
  readonly mostSubjects?: number
  readonly log: Logger
}

/**
 * How long the first message of a new subject may go unnoticed, in milliseconds; later ones arrive
 * immediately.
 */
const lookMs = 200
const longestPauseMs = 2000

/**
 * A work queue with one consumer per subject. With a single consumer the broker delivers in order
 * of arrival, so one sender's thousand messages would delay all others. New subjects are found in
 * the stream's info.
 */
export class WorkQueue {
  readonly #bus: Bus
  readonly #options: WorkQueueOptions
  readonly #prepare: () => Promise<void>
  readonly #receive: (delivery: Delivery) => Promise<void>
  readonly #queues = new Map<string, SubjectQueue>()
  readonly #ending = new AbortController()
  readonly #stopOnReconnect: () => void
  #created = ''
  #lastSeq = -1
  #ended: Promise<void> = Promise.resolve()

  private constructor(
    bus: Bus,
    options: WorkQueueOptions,
    prepare: () => Promise<void>,
    receive: (delivery: Delivery) => Promise<void>,
  ) {
    this.#bus = bus
    this.#options = options
    this.#prepare = prepare
    this.#receive = receive
    this.#stopOnReconnect = bus.onReconnect(() => {
      for (const queue of this.#queues.values()) queue.renew()
    })
  }

  /**
   * Starts consuming. Consumers of an earlier process are recreated, so that their unacknowledged
   * messages arrive immediately.
   *
   * @param prepare creates the stream; called at the start and whenever the stream is gone
   * @param receive resolves to acknowledge a message; one message per subject at a time
   * @throws {CentralPostError} when the first preparation fails
   */
  static async open(
    bus: Bus,
    options: WorkQueueOptions,
    prepare: () => Promise<void>,
    receive: (delivery: Delivery) => Promise<void>,
  ): Promise<WorkQueue> {
    await prepare()
    const queue = new WorkQueue(bus, options, prepare, receive)
    try {
      const subjects = await queue.#takeOver()
      await queue.#look(subjects)
    } catch (error) {
      await queue.stop()
      throw busError(error, `opening the queue ${options.stream}`)
    }
    queue.#ended = queue.#lookAgainAndAgain()
    return queue
  }

  /** Stops; resolves when delivered messages are handled. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#stopOnReconnect()
    await this.#ended
    await this.#closeAll()
  }

  /** Removes the consumers of the previous reader. @returns their subjects */
  async #takeOver(): Promise<string[]> {
    const { stream, name, mostSubjects = 1000 } = this.#options
    const { consumers } = await this.#manager()
    const subjects: string[] = []
    const left = []
    for await (const consumer of consumers.list(stream)) left.push(consumer)
    for (const { name: consumer, config } of left) {
      const { filter_subject: subject = '' } = config
      const isOurs = consumer === consumerOf(name, subject)
      if (isOurs && subjects.length < mostSubjects) subjects.push(subject)
      // a consumer of another kind would conflict with ours
      else await consumers.delete(stream, consumer)
    }
    return subjects
  }

  async #lookAgainAndAgain(): Promise<void> {
    const { signal } = this.#ending
    const pauses = new Backoff(lookMs, longestPauseMs)
    for (;;) {
      await delay(pauses.next(), undefined, { signal }).catch(() => {})
      if (signal.aborted || this.#bus.isClosed) return
      try {
        if (this.#bus.isConnected) await this.#look([])
        pauses.reset()
      } catch (error) {
        const { stream, log } = this.#options
        log.warn('inspecting the request queue failed', { stream, error: messageOf(error) })
      }
    }
  }

  /** Opens consumers for subjects with messages. */
  async #look(known: readonly string[]): Promise<void> {
    const { stream, subjects } = this.#options
    const { streams } = await this.#manager()
    let info
    try {
      info = await streams.info(stream)
    } catch (error) {
      if (!isMissing(error)) throw error
      await this.#prepare()
      info = await streams.info(stream)
    }
    if (info.created !== this.#created) {
      await this.#closeAll()
      this.#created = info.created
      this.#lastSeq = -1
    }
    const { last_seq: lastSeq } = info.state
    if (lastSeq === this.#lastSeq && known.length === 0) return
    const { state } = await streams.info(stream, { subjects_filter: subjects })
    const waiting = new Set([...known, ...Object.keys(state.subjects ?? {})])
    let isComplete = true
    for (const subject of waiting) {
      if (this.#queues.has(subject)) continue
      if (!(await this.#open(subject, waiting))) isComplete = false
    }
    this.#lastSeq = isComplete ? lastSeq : -1
  }

  /**
   * @returns whether the subject is open; false when the limit is reached and every open subject
   *   has messages
   */
  async #open(subject: string, waiting: ReadonlySet<string>): Promise<boolean> {
    const { stream, name, log, mostSubjects = 1000 } = this.#options
    if (this.#queues.size >= mostSubjects && !(await this.#closeIdlest(waiting))) return false
    const options = {
      stream,
      subject,
      log,
      streamCreated: this.#created,
      consumer: consumerOf(name, subject),
    }
    this.#queues.set(subject, new SubjectQueue(this.#bus, options, this.#receive))
    return true
  }

  async #closeIdlest(waiting: ReadonlySet<string>): Promise<boolean> {
    const [idlest] = [...this.#queues.values()]
      .filter(({ subject }) => !waiting.has(subject))
      .toSorted((a, b) => a.lastActiveAt - b.lastActiveAt)
    if (idlest === undefined) return false
    this.#queues.delete(idlest.subject)
    await idlest.stop()
    const { consumers } = await this.#manager()
    await consumers.delete(this.#options.stream, consumerOf(this.#options.name, idlest.subject))
    return true
  }

  async #closeAll(): Promise<void> {
    const open = [...this.#queues.values()]
    this.#queues.clear()
    await Promise.all(open.map((queue) => queue.stop()))
  }

  #manager(): Promise<JetStreamManager> {
    return this.#bus.connection.jetstreamManager({ checkAPI: false })
  }
}

/** The consumer name of a subject: readable where its last token is a valid name, and unique. */
function consumerOf(name: string, subject: string): string {
  const token = subject.split('.').at(-1) ?? ''
  if (/^[A-Za-z0-9_-]{1,64}$/.test(token)) return `${name}-${token}`
  return `${name}_${createHash('sha256').update(subject).digest('hex').slice(0, 32)}`
}
