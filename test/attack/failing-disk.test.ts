import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, Operator } from '@centralpost/agents'
import { allResults, Bus, silentLogger } from '@centralpost/shared'
import SqliteDatabase from 'better-sqlite3'
import { builtLibrary, hasCompiler } from '../support/built-library.ts'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestHub } from '../support/hub.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

/** A hub in a process of its own, under load, with an ear that counts every copy of every result. */
class Attacked {
  readonly hub: HubProcess
  readonly agent: Agent
  readonly order: string
  readonly copies = new Map<string, number>()
  readonly database: string
  readonly #opened: AsyncDisposableStack
  readonly #preload: Record<string, string>
  readonly #broker: TestBroker

  private constructor(
    parts: { hub: HubProcess; agent: Agent; broker: TestBroker; preload: Record<string, string> },
    opened: AsyncDisposableStack,
  ) {
    this.hub = parts.hub
    this.agent = parts.agent
    this.#broker = parts.broker
    this.#preload = parts.preload
    this.order = parts.preload['FAILING_DISK'] ?? ''
    this.database = join(parts.broker.dataDir, 'hub.db')
    this.#opened = opened
  }

  static async start(withLibrary: boolean): Promise<Attacked> {
    await using opened = new AsyncDisposableStack()
    const { path } = opened.use(await TempDir.make())
    const broker = opened.use(await TestBroker.start({ agents: ['agent-a'], operators: ['alice'] }))
    const settings =
      'hub: { id: attacked, stop_grace: 1 }\nexecution: { sandbox: { mode: "off" } }\n'
    const hub = opened.use(await HubProcess.make(broker.dataDir, path, settings))
    const preload: Record<string, string> = { FAILING_DISK: join(path, 'order') }
    if (withLibrary) preload['LD_PRELOAD'] = builtLibrary('failing-disk', path)
    await hub.start(preload)
    const credentials = await broker.credentials('agent', 'agent-a')
    const agent = opened.use(await Agent.connect({ name: 'agent-a', credentials }))
    const ear = opened.use(
      await Bus.connect({
        credentials: await broker.credentials('operator', 'alice'),
        name: 'ear',
        log: silentLogger,
      }),
    )
    const it = new Attacked({ hub, agent, broker, preload }, opened.move())
    ear.subscribe(allResults, ({ subject }) => {
      it.copies.set(subject, (it.copies.get(subject) ?? 0) + 1)
    })
    await ear.flush()
    return it
  }

  /** So many actions; resolves when each has its result. */
  async results(count: number, ends: readonly string[] = ['completed']): Promise<void> {
    const asked = await Promise.all(
      Array.from({ length: count }, () => this.agent.requestAction('sleep 0.1')),
    )
    const all = await Promise.all(asked.map((one) => one.result({ timeoutMs: 50_000 })))
    const other = all.find(({ status }) => !ends.includes(status))
    if (other) throw new Error(`${other.action_id} is ${other.status}: ${other.reason}`)
  }

  get mostCopies(): number {
    return Math.max(0, ...this.copies.values())
  }

  async operator(): Promise<Operator> {
    const credentials = await this.#broker.credentials('operator', 'alice')
    return this.#opened.use(await Operator.connect({ name: 'alice', credentials }))
  }

  startAgain(): Promise<void> {
    return this.hub.start(this.#preload)
  }

  log(): Promise<string> {
    return readFile(this.hub.logFile, 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync()
  }
}

const testWithCompiler = hasCompiler ? test : test.skip

/** What must hold after every fault: nothing is lost, nothing ran twice, nobody heard a storm. */
async function expectNormal(it: Attacked, results: Promise<void>): Promise<void> {
  await results
  await it.results(2)
  const alice = await it.operator()
  expect(await alice.verify()).toMatchObject({ intact: true })
  const { entries } = await alice.history({ limit: 100 })
  for (const { action_id: actionId } of entries) {
    const { events } = await alice.action(actionId)
    expect(events.filter(({ kind }) => kind === 'started')).toHaveLength(1)
  }
  expect(it.copies.size).toBe(entries.length)
  expect(it.mostCopies).toBeLessThanOrEqual(2)
  expect(await it.hub.stop()).toBe(0)
}

testWithCompiler(
  'a disk that is full, read-only, or fails once is waited for; a sync that fails ends the hub, and the next goes on',
  survives,
  120_000,
)

/** Intake, end or confirmation: whichever comes first while the fault lasts. */
const told =
  /taking a request in failed|recording confirmed results failed|indexing the history failed|cannot be written/

async function survives(): Promise<void> {
  await using it = await Attacked.start(true)
  for (const order of ['write 28', 'write 30', 'write 5 once']) {
    const before = (await it.log()).length
    const results = it.results(4)
    await writeFile(it.order, order)
    // one write that fails may be any, also one that nobody needs to hear of
    if (order.endsWith('once')) await results
    else await eventually(async () => told.test((await it.log()).slice(before)))
    await rm(it.order, { force: true })
    await results
  }

  const results = it.results(4, ['completed', 'interrupted'])
  await writeFile(it.order, 'sync 5')
  const begun = performance.now()
  await eventually(() => !it.hub.isRunning, 20_000)
  expect(performance.now() - begun).toBeLessThan(15_000)
  expect(await it.log()).toContain('the history is lost')
  await rm(it.order)
  await it.startAgain()
  await expectNormal(it, results)
}

test('a database that is locked is waited for, and keeps no hub from its end', async () => {
  await using it = await Attacked.start(false)
  const other = new SqliteDatabase(it.database)
  const begun: Promise<void>[] = []
  // the lock must come between a result's confirmation and its record, a few milliseconds later
  for (const hit = { isLate: true }; hit.isLate;) {
    const heard = it.copies.size
    begun.push(it.results(6))
    await eventually(() => it.copies.size > heard)
    other.exec('begin exclusive')
    const isSaid = async (): Promise<boolean> =>
      (await it.log()).includes('recording confirmed results failed')
    hit.isLate = await eventually(isSaid, 5000).then(
      () => false,
      () => true,
    )
    if (hit.isLate) other.exec('rollback')
  }
  const more = it.results(4)
  await delay(1500)
  other.exec('rollback')
  await Promise.all([...begun, more])
  expect(it.mostCopies).toBeLessThanOrEqual(2)

  other.exec('begin exclusive')
  const stopping = performance.now()
  await it.hub.stop()
  expect(performance.now() - stopping).toBeLessThan(30_000)
  other.exec('rollback')
  other.close()
  await it.startAgain()
  await expectNormal(it, Promise.resolve())
}, 120_000)

test('a hub whose log is deleted under it acknowledges nothing more, and ends', async () => {
  await using it = await TestHub.start()
  const agent = await it.agent()
  const first = await agent.requestAction('echo one')
  await first.result({ timeoutMs: 20_000 })
  const ended = it.hub.closed.catch((error: unknown) => error)
  await rm(`${it.databasePath}-wal`)
  const next = await agent.requestAction('echo two')
  expect(await ended).toMatchObject({ code: 'storage' })
  await it.stopHub()

  await it.startHub()
  const operator = await it.operator()
  expect((await operator.result(first.actionId)).state).toBe('completed')
  await next.result({ timeoutMs: 45_000 })
  expect(await operator.verify()).toMatchObject({ intact: true })
}, 120_000)
