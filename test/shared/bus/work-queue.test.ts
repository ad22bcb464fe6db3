import { setTimeout as delay } from 'node:timers/promises'
import {
  allRequests,
  Bus,
  type Delivery,
  ensureStream,
  requestSubject,
  silentLogger,
  WorkQueue,
} from '@centralpost/shared'
import { eventually } from '../../support/eventually.ts'
import { describeOnEach } from '../../support/nats-program.ts'
import { PlainServer } from '../../support/plain-server.ts'

const stream = 'SYSTEM_ACTIONS'
const agents = ['flood-a', 'flood-b', 'flood-c', 'polite', 'late'] as const

describeOnEach('a work queue', (program) => {
  test('one agent is read after a few of what others flood with, not after all of it', async () => {
    await using it = await Post.start(program)
    for (const agent of ['flood-a', 'flood-b', 'flood-c']) await it.send(agent, 300)
    await it.send('polite', 1)
    const order: string[] = []
    await it.open(async ({ subject }) => {
      order.push(subject)
      await delay(1)
    })
    await eventually(() => order.includes(requestSubject('polite')))
    expect(order.indexOf(requestSubject('polite'))).toBeLessThan(100)
    await eventually(() => order.length === 901)
    await eventually(async () => (await it.stored()) === 0)
  })

  test('what a dead reader had been given comes to the next one at once, in its order', async () => {
    await using it = await Post.start(program)
    await it.send('polite', 40)
    const hung: string[] = []
    const dying = await it.connect()
    const { promise: late, resolve: release } = Promise.withResolvers<void>()
    const dyingQueue = await WorkQueue.open(
      dying,
      options(),
      () => prepare(dying),
      async (delivery) => {
        hung.push(textOf(delivery))
        await late
      },
    )
    await eventually(() => hung.length === 1)
    await dying.connection.close()
    await it.send('polite', 2, 40)

    const since = performance.now()
    const order: string[] = []
    await it.open(async (delivery) => void order.push(textOf(delivery)))
    await eventually(() => order.length === 42)
    expect(performance.now() - since).toBeLessThan(10_000)
    expect(order).toEqual(Array.from({ length: 42 }, (_, n) => `polite ${n}`))
    release()
    await dyingQueue.stop()
  })

  test('what cannot be taken comes again before what was sent after it', async () => {
    await using it = await Post.start(program)
    await it.send('polite', 5)
    const order: string[] = []
    let faults = 2
    await it.open(async (delivery) => {
      if (textOf(delivery) === 'polite 2' && (faults -= 1) >= 0) throw new Error('disk full')
      order.push(textOf(delivery))
    })
    await eventually(() => order.length === 5)
    expect(order).toEqual(['polite 0', 'polite 1', 'polite 2', 'polite 3', 'polite 4'])
  })

  test('a new agent is found, also under a name that no consumer can have', async () => {
    await using it = await Post.start(program)
    const seen = new Set<string>()
    await it.open(async ({ subject }) => void seen.add(subject))
    await it.send('late', 1)
    await it.hub.store(requestSubject('späte$agent'), {})
    await eventually(() => seen.size === 2)
    expect(seen).toContain(requestSubject('späte$agent'))
    await eventually(async () => (await it.stored()) === 0)
  })

  test('more subjects than may be read at a time take turns', async () => {
    await using it = await Post.start(program)
    const seen: string[] = []
    const receive = async ({ subject }: Delivery): Promise<void> => void seen.push(subject)
    await it.open(receive, { mostSubjects: 2 })
    for (const agent of agents) await it.send(agent, 3)
    await eventually(() => seen.length === 15)
    expect(new Set(seen).size).toBe(5)
    await eventually(async () => (await it.consumers()).length <= 2)
  })

  test('after the death of the broker nothing is handed over twice, and nothing stays behind', async () => {
    await using it = await Post.start(program)
    const order: string[] = []
    await it.open(async (delivery) => void order.push(textOf(delivery)))
    await it.send('polite', 30)
    await eventually(() => order.length === 30)
    await it.broker.kill9()
    await it.broker.startAgain()
    await eventually(() => it.hub.isConnected)
    await eventually(() => it.send('polite', 1, 30).then(() => true))
    await eventually(async () => order.includes('polite 30') && (await it.stored()) === 0)
    expect(new Set(order).size).toBe(order.length)
  })

  test('what is sent to a stream that was lost and made anew is not taken for what was there before', async () => {
    await using it = await Post.start(program)
    const got: string[] = []
    await it.open(async (delivery) => void got.push(textOf(delivery)))
    const { streams } = await it.hub.connection.jetstreamManager({ checkAPI: false })
    for (let round = 0; round < 5; round += 1) {
      // the same places in each stream
      await it.send('polite', 4, round * 4)
      await eventually(() => got.length === (round + 1) * 4, 10_000)
      await streams.delete(stream)
      await prepare(it.hub)
    }
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => `polite ${n}`))
  })

  test('who has as many messages there as one may have is told to come again', async () => {
    await using it = await Post.start(program)
    await it.send('flood-a', 1000)
    await expect(it.send('flood-a', 1)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(
        /limit of queued messages is reached; send it again in a few seconds/,
      ),
    })
  })

  test('a consumer of the older kind, which read all agents, gives way', async () => {
    await using it = await Post.start(program)
    const { consumers } = await it.hub.connection.jetstreamManager()
    await consumers.add(stream, { durable_name: 'hub', ack_policy: 'explicit' as never })
    await it.send('polite', 2)
    let taken = 0
    await it.open(async () => void (taken += 1))
    await eventually(() => taken === 2)
    expect(await it.consumers()).toEqual(['hub-polite'])
  })
})

function options() {
  return { stream, subjects: allRequests, name: 'hub', log: silentLogger }
}

function textOf({ data }: Delivery): string {
  return JSON.parse(new TextDecoder().decode(data)) as string
}

/** A broker with the stream of requests, and whoever writes to it and reads it. */
class Post implements AsyncDisposable {
  readonly broker: PlainServer
  readonly hub: Bus
  readonly #opened = new AsyncDisposableStack()

  private constructor(broker: PlainServer, hub: Bus) {
    this.broker = this.#opened.use(broker)
    this.hub = this.#opened.use(hub)
  }

  static async start(program: string): Promise<Post> {
    const broker = await PlainServer.start('jetstream { store_dir: "STORE" }', { program })
    const it = new Post(broker, await connect(broker))
    await prepare(it.hub)
    return it
  }

  connect(): Promise<Bus> {
    return connect(this.broker)
  }

  async send(agent: string, count: number, from = 0): Promise<void> {
    const sent = Array.from({ length: count }, (_, n) =>
      this.hub.store(requestSubject(agent), `${agent} ${from + n}`),
    )
    await Promise.all(sent)
  }

  async open(
    receive: (delivery: Delivery) => Promise<void>,
    more: { mostSubjects?: number } = {},
  ): Promise<void> {
    const make = (): Promise<void> => prepare(this.hub)
    const queue = await WorkQueue.open(this.hub, { ...options(), ...more }, make, receive)
    this.#opened.defer(() => queue.stop())
  }

  async stored(): Promise<number> {
    const { streams } = await this.hub.connection.jetstreamManager()
    return (await streams.info(stream)).state.messages
  }

  async consumers(): Promise<string[]> {
    const { consumers } = await this.hub.connection.jetstreamManager()
    const names: string[] = []
    for await (const { name } of consumers.list(stream)) names.push(name)
    return names
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}

function connect({ url }: PlainServer): Promise<Bus> {
  return Bus.connect({ credentials: { servers: [url] }, name: 'test', log: silentLogger })
}

function prepare(bus: Bus): Promise<void> {
  return ensureStream(bus, {
    name: stream,
    description: 'requests',
    subjects: [allRequests],
    retention: 'workqueue',
    maxAgeMs: 3_600_000,
    maxMessagesPerSubject: 1000,
    whenFull: 'refuse',
    maxMessageBytes: 10_000,
  })
}
