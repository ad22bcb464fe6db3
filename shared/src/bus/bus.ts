import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type ConnectionOptions,
  connect,
  createInbox,
  credsAuthenticator,
  Events,
  headers as natsHeaders,
  type MsgHdrs,
  type NatsConnection,
  type TlsOptions,
} from 'nats'
import type { z } from 'zod'
import { decode, encode } from '../messages/codec.ts'
import type { Logger } from '../log/logger.ts'
import { messageOf } from '../message-of.ts'
import { CentralPostError, isCentralPostError, problemSchema } from '../problem.ts'
import { busError } from './bus-error.ts'
import { busTls } from './bus-tls.ts'
import type { BusCredentials } from './credentials.ts'
import { refusedConnection } from './refused-connection.ts'

/** A connection silent for this long is given up, in milliseconds. */
const longestSilenceMs = 120_000
/** The longest delay of a confirmation behind the answer to a ping, in milliseconds. */
const confirmationMs = 1000

export interface BusOptions {
  readonly credentials: BusCredentials
  /** shown in the broker's list of connections */
  readonly name: string
  readonly log: Logger
  /**
   * time limit of the first connect, in milliseconds; later reconnects are retried for ever
   * @default 5000
   */
  readonly connectTimeoutMs?: number
}

export type Headers = Readonly<Record<string, string>>

export interface BusMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly reply: string | undefined
  header(name: string): string | undefined
}

export interface Subscription {
  /** Unsubscribes; messages that have arrived are still delivered. */
  drain(): Promise<void>
}

/** The broker's answer to a stored publish. */
export interface Stored {
  readonly stream: string
  readonly seq: number
  readonly duplicate: boolean
}

export interface BrokerFacts {
  readonly version: string
  /** the name of its cluster */
  readonly cluster: string | undefined
  readonly isEncrypted: boolean
}

/**
 * One connection to the broker. A lost connection is retried for ever; the client queues messages
 * meanwhile.
 */
export class Bus {
  readonly #connection: NatsConnection
  readonly #inboxPrefix: string | undefined
  readonly #log: Logger
  readonly #reconnected = new Set<() => void>()
  readonly #disconnected = new Set<() => void>()
  #connected = true

  private constructor(connection: NatsConnection, inboxPrefix: string | undefined, log: Logger) {
    this.#connection = connection
    this.#inboxPrefix = inboxPrefix
    this.#log = log
    void this.#watch()
  }

  /**
   * Connects.
   *
   * @throws {CentralPostError} `unavailable` when no broker answers, `forbidden` when it refuses
   *   the credentials, or the requested encryption fails: then nothing was sent
   */
  static async connect(options: BusOptions): Promise<Bus> {
    const { credentials, name, log } = options
    const tls = await busTls(credentials)
    const authenticator =
      credentials.creds === undefined
        ? undefined
        : credsAuthenticator(await readCreds(credentials.creds))
    const settings: ConnectionOptions = {
      servers: credentials.servers,
      name,
      timeout: options.connectTimeoutMs ?? 5000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 100,
      pingInterval: 10_000,
      maxPingOut: 2,
      ...(credentials.user !== undefined && { user: credentials.user }),
      ...(credentials.pass !== undefined && { pass: credentials.pass }),
      ...(credentials.token !== undefined && { token: credentials.token }),
      ...(credentials.inbox_prefix !== undefined && { inboxPrefix: credentials.inbox_prefix }),
      ...(authenticator && { authenticator }),
      ...(tls && { tls: tls as TlsOptions }),
    }
    try {
      return new Bus(await connect(settings), credentials.inbox_prefix, log)
    } catch (error) {
      throw await refusedConnection(error, credentials, tls)
    }
  }

  /**
   * The underlying client, for the other files of this folder.
   *
   * @internal
   */
  get connection(): NatsConnection {
    return this.#connection
  }

  /** A new reply subject that this identity may subscribe to. */
  newInbox(): string {
    return createInbox(this.#inboxPrefix)
  }

  /** Whether it was closed for good; a lost connection that is being retried is not. */
  get isClosed(): boolean {
    return this.#connection.isClosed()
  }

  get isConnected(): boolean {
    return this.#connected && !this.#connection.isClosed()
  }

  /** The address of the current broker. */
  get server(): string {
    return this.#connection.getServer()
  }

  /** The current broker's description of itself. */
  get broker(): BrokerFacts {
    const info = this.#connection.info
    return {
      version: info?.version ?? '',
      cluster: info?.cluster,
      // the client accepts TLS when the broker offers it
      isEncrypted: info?.tls_required === true || info?.tls_available === true,
    }
  }

  /** Resolves when the connection is closed for good, with the error that closed it, if any. */
  async closed(): Promise<Error | undefined> {
    const error = await this.#connection.closed()
    return error instanceof Error ? error : undefined
  }

  /** Calls back each time a lost connection is back. Returns a function that stops it. */
  onReconnect(callback: () => void): () => void {
    this.#reconnected.add(callback)
    return () => this.#reconnected.delete(callback)
  }

  /** Calls back each time the connection is lost. Returns a function that stops it. */
  onDisconnect(callback: () => void): () => void {
    this.#disconnected.add(callback)
    return () => this.#disconnected.delete(callback)
  }

  /** Publishes without confirmation (core NATS). */
  publish(subject: string, message: unknown, headers?: Headers): void {
    this.publishBytes(subject, encode(message), headers)
  }

  /** The same with a message that is encoded already. */
  publishBytes(subject: string, bytes: Uint8Array, headers?: Headers): void {
    this.#connection.publish(subject, bytes, headers && { headers: toHeaders(headers) })
  }

  /**
   * Publishes to a stream and waits for the broker's confirmation. A silent broker (stopped, or
   * very busy) may still have the message queued. Its confirmation is awaited, since publishing
   * again would deliver twice.
   *
   * @param options.timeoutMs time limit of the confirmation while the broker answers otherwise, in
   *   milliseconds @default 5000
   * @throws {CentralPostError} `unavailable` (the message may be stored; immediately when the
   *   connection is lost), `forbidden`
   */
  store(
    subject: string,
    message: unknown,
    options: { headers?: Headers; timeoutMs?: number } = {},
  ): Promise<Stored> {
    return this.storeBytes(subject, encode(message), options)
  }

  /** The same with a message that is encoded already. */
  async storeBytes(
    subject: string,
    bytes: Uint8Array,
    options: { headers?: Headers; timeoutMs?: number } = {},
  ): Promise<Stored> {
    const doing = `publishing to ${subject}`
    // the client drops requests while disconnected
    if (!this.#connected) throw connectionLost(doing)
    const lost = Promise.withResolvers<never>()
    const stop = this.onDisconnect(() => lost.reject(connectionLost(doing)))
    const over = new AbortController()
    try {
      const ack = await Promise.race([
        this.#connection.jetstream().publish(subject, bytes, {
          timeout: longestSilenceMs,
          ...(options.headers && { headers: toHeaders(options.headers) }),
        }),
        lost.promise,
        this.#unanswered(doing, options.timeoutMs ?? 5000, over.signal),
      ])
      return { stream: ack.stream, seq: ack.seq, duplicate: ack.duplicate }
    } catch (error) {
      throw isCentralPostError(error) ? error : busError(error, doing)
    } finally {
      over.abort()
      stop()
    }
  }

  /**
   * Calls an endpoint and checks its answer.
   *
   * @param options.timeoutMs time limit of the answer, in milliseconds @default 5000
   * @throws {CentralPostError} the endpoint's error, or `unavailable` without an answer;
   *   immediately when the connection is lost before the answer (`details.connection` is then `lost`:
   *   the call may have taken effect)
   */
  async request<T extends z.ZodType>(
    subject: string,
    message: unknown,
    options: { schema: T; timeoutMs?: number; headers?: Headers },
  ): Promise<z.output<T>> {
    // the client drops requests while disconnected
    if (!this.#connected) throw connectionLost(`asking ${subject}`)
    const lost = Promise.withResolvers<never>()
    const stop = this.onDisconnect(() => lost.reject(connectionLost(`asking ${subject}`)))
    let answer
    try {
      const call = this.#connection.request(subject, encode(message), {
        timeout: options.timeoutMs ?? 5000,
        ...(options.headers && { headers: toHeaders(options.headers) }),
      })
      answer = await Promise.race([call, lost.promise])
    } catch (error) {
      throw isCentralPostError(error) ? error : busError(error, `asking ${subject}`)
    } finally {
      stop()
    }
    if (answer.headers?.has('Nats-Service-Error-Code')) {
      const body: unknown = answer.json()
      const problem = problemSchema.safeParse((body as { error?: unknown }).error)
      if (problem.success) throw CentralPostError.fromProblem(problem.data)
      throw new CentralPostError('internal', `${subject} failed without an error description`)
    }
    return decode(options.schema, answer.data)
  }

  /**
   * Delivers every message on a subject (wildcards allowed) to `receive`, in order. Logs errors of
   * `receive`.
   *
   * @param refused called when the broker refuses the subscription, or the subject is invalid
   */
  subscribe(
    subject: string,
    receive: (message: BusMessage) => void,
    refused?: (error: CentralPostError) => void,
  ): Subscription {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) {
          this.#log.warn('subscription refused', { subject, error: messageOf(error) })
          refused?.(busError(error, `subscribing to ${subject}`))
          return
        }
        try {
          receive({
            subject: message.subject,
            data: message.data,
            reply: message.reply,
            header: (name) => message.headers?.get(name) || undefined,
          })
        } catch (thrown) {
          this.#log.error('message handler failed', { subject: message.subject, error: thrown })
        }
      },
    })
    return {
      drain: async () => {
        if (!subscription.isClosed() && !this.#connection.isClosed()) await subscription.drain()
      },
    }
  }

  /** Resolves when the broker has processed all earlier publishes. */
  async flush(): Promise<void> {
    try {
      await this.#connection.flush()
    } catch (error) {
      throw busError(error, 'flushing')
    }
  }

  /**
   * Rejects when the broker has answered a ping sent after a publish, and not confirmed the
   * publish.
   */
  async #unanswered(doing: string, timeoutMs: number, signal: AbortSignal): Promise<never> {
    await delay(timeoutMs, undefined, { signal })
    await this.#connection.flush()
    await delay(confirmationMs, undefined, { signal })
    throw new CentralPostError('unavailable', `${doing}: no answer in time`)
  }

  /** Drains the connection, then closes it. Idempotent; never rejects. */
  async drain(): Promise<void> {
    if (this.#connection.isClosed()) return
    if (!this.#connected) {
      await this.#connection.close()
      return
    }
    // the client waits for ever for what a broker that went away meanwhile would have answered
    const stop = this.onDisconnect(() => void this.#connection.close())
    try {
      await this.#connection.drain()
    } catch {
      // draining or closed already: the wait below suffices
      await this.#connection.closed()
    } finally {
      stop()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      switch (status.type) {
        case Events.Disconnect:
          this.#connected = false
          this.#log.warn('broker connection lost')
          for (const callback of this.#disconnected) callback()
          break
        case Events.Reconnect:
          this.#connected = true
          this.#log.info('broker connection is back')
          for (const callback of this.#reconnected) callback()
          break
        case Events.Error:
          this.#log.warn('the broker refused an operation', { error: status.data })
          break
        default:
      }
    }
  }
}

function connectionLost(doing: string): CentralPostError {
  return new CentralPostError(
    'unavailable',
    `${doing}: the connection to the broker was lost before an answer came`,
    { cause: new Error('disconnected'), details: { connection: 'lost' } },
  )
}

async function readCreds(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new CentralPostError('not_found', `no credentials at ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function toHeaders(fields: Headers): MsgHdrs {
  const made = natsHeaders()
  for (const [name, value] of Object.entries(fields)) made.set(name, value)
  return made
}
