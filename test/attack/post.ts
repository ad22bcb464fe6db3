import { readFile, writeFile } from 'node:fs/promises'
import {
  actionStream,
  agentEndpointSubject,
  agentEventSubjects,
  allRequests,
  allResults,
  operatorEndpointSubject,
  resultStream,
} from '@centralpost/shared'
import {
  type ConnectionOptions,
  connect,
  Events,
  type NatsConnection,
  nanos,
  RetentionPolicy,
} from 'nats'
import type { IdentityKind } from '#hub/broker/identity.ts'
import { clientOptions, TestBroker } from '../support/nats-server.ts'

export const agents = ['agent-a', 'agent-b'] as const
export const operators = ['alice', 'bob'] as const

/** The smallest window that nats-server allows. */
export const duplicateWindowMs = 100

/** One connection, with what the broker refused it. */
export class Client {
  readonly connection: NatsConnection
  readonly refused: string[] = []
  disconnects = 0

  constructor(connection: NatsConnection) {
    this.connection = connection
    void this.#watch()
  }

  static async as(options: ConnectionOptions): Promise<Client> {
    return new Client(await connect(options))
  }

  /** Publishes, with any reply subject, and waits until the broker has it. */
  async publish(subject: string, text = 'forged', reply?: string): Promise<void> {
    this.connection.publish(subject, text, reply === undefined ? {} : { reply })
    await this.connection.flush()
  }

  /** Listens to a subject; what arrives is kept. A refusal is kept in `refused`. */
  listen(subject: string): Seen[] {
    const seen: Seen[] = []
    this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) seen.push({ subject: message.subject, text: message.string() })
      },
    })
    return seen
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === Events.Disconnect) this.disconnects += 1
      if (status.type !== Events.Error) continue
      const { permissionContext: context } = status
      this.refused.push(context ? `${context.operation} ${context.subject}` : status.type)
    }
  }
}

export interface Seen {
  readonly subject: string
  readonly text: string
}

/**
 * A real broker with the configuration that the product writes, streams, endpoints that answer everything with what they
 * were sent (the worst a hub could do), and witnesses who see every message of an account. The witnesses are the only
 * thing added to the configuration.
 */
export class Post {
  readonly broker: TestBroker
  readonly hub: Client
  readonly endpoints: Client
  /** Everything that crossed the hub's account, and each agent's. */
  readonly seen: Readonly<Record<'hub' | (typeof agents)[number], Seen[]>>
  /** Calls that reached an endpoint: what the hub would take for its caller's word. */
  readonly calls: readonly Seen[]
  readonly #clients: Client[]

  private constructor(
    parts: Pick<Post, 'broker' | 'hub' | 'endpoints' | 'seen' | 'calls'>,
    clients: Client[],
  ) {
    this.broker = parts.broker
    this.hub = parts.hub
    this.endpoints = parts.endpoints
    this.seen = parts.seen
    this.calls = parts.calls
    this.#clients = clients
  }

  static async start(): Promise<Post> {
    await using opened = new AsyncDisposableStack()
    const broker = opened.use(await TestBroker.start({ agents, operators }))
    await addWitnesses(broker)
    const witness = async (account: string) => {
      const options = {
        servers: broker.url,
        user: `witness-${account}`,
        pass: 'witness',
        reconnectTimeWait: 50,
      }
      return Client.as(options)
    }
    const clients = [
      await witness('hub'),
      await witness('agent-a'),
      await witness('agent-b'),
      await Client.as(clientOptions(await broker.credentials('hub'))),
      await Client.as(clientOptions(await broker.credentials('hub-endpoints'))),
    ] as const
    const [inHub, inA, inB, hub, endpoints] = clients
    const seen = {
      hub: inHub.listen('>'),
      'agent-a': inA.listen('>'),
      'agent-b': inB.listen('>'),
    }
    await Promise.all([inHub, inA, inB].map((client) => client.connection.flush()))
    await makeStreams(hub)
    const calls = await serve(endpoints)
    seen.hub.length = 0
    opened.move()
    return new Post({ broker, hub, endpoints, seen, calls }, [...clients])
  }

  /** Connects as an agent or operator. */
  async as(kind: IdentityKind, name: string): Promise<Client> {
    const client = await Client.as(clientOptions(await this.broker.credentials(kind, name)))
    this.#clients.push(client)
    return client
  }

  /** Resolves when what was sent before has reached every witness. */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      for (const client of this.#clients) await client.connection.flush()
    }
  }

  /** The messages of a stream, by subject. */
  async stored(stream: string): Promise<Record<string, number>> {
    const manager = await this.hub.connection.jetstreamManager()
    const { state } = await manager.streams.info(stream, { subjects_filter: '>' })
    return state.subjects ?? {}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.connection.close()))
    await this.broker.stop()
  }
}

async function addWitnesses(broker: TestBroker): Promise<void> {
  const file = `${broker.dataDir}/broker/nats-server.conf`
  let text = await readFile(file, 'utf8')
  const accounts = {
    hub: '"hub@centralpost": {',
    'agent-a': '"agent-a": {',
    'agent-b': '"agent-b": {',
  }
  for (const [name, opening] of Object.entries(accounts)) {
    const users = text.indexOf('users: [', text.indexOf(opening)) + 'users: ['.length
    const login = ` { user: "witness-${name}", password: "witness" }, `
    text = text.slice(0, users) + login + text.slice(users)
  }
  await writeFile(file, text)
  // Started anew rather than reloaded: a reload of 2.9.10 under way may swallow answers.
  await broker.kill9()
  await broker.isBack()
}

async function makeStreams(hub: Client): Promise<void> {
  const manager = await hub.connection.jetstreamManager()
  await manager.streams.add({
    name: actionStream,
    subjects: [allRequests],
    retention: RetentionPolicy.Workqueue,
    duplicate_window: nanos(duplicateWindowMs),
  })
  await manager.streams.add({ name: resultStream, subjects: [allResults] })
}

async function serve(endpoints: Client): Promise<Seen[]> {
  const calls: Seen[] = []
  const service = await endpoints.connection.services.add({ name: 'centralpost', version: '0.1.0' })
  const subjects = {
    state: agentEndpointSubject('*', 'state'),
    cancel: agentEndpointSubject('*', 'cancel'),
    pending: operatorEndpointSubject('*', 'pending'),
    approve: operatorEndpointSubject('*', 'approve'),
  }
  for (const [name, subject] of Object.entries(subjects)) {
    service.addEndpoint(name, {
      subject,
      handler: (error, message) => {
        if (error) return
        calls.push({ subject: message.subject, text: message.string() })
        message.respond(message.data)
      },
    })
  }
  await endpoints.connection.flush()
  return calls
}

/** The subjects on which one agent reads what the hub tells it. */
export const eventsOf = (agent: string): string[] =>
  agentEventSubjects.map((kind) => `${kind}.${agent}.x`)
