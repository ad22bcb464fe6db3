import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Agent, Operator } from '@centralpost/agents'
import type { ActionResult } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestBroker } from '../support/nats-server.ts'
import { findPostgres, TestPostgres } from '../support/postgres.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { TempDir } from '../support/temp-dir.ts'

// Two hubs must never work on one ledger: a hub that was stopped, cut off or robbed of its lock writes nothing when it
// goes on, and what it runs has ended before another hub calls it interrupted.

const describePostgres = findPostgres() === undefined ? describe.skip : describe

const settings = (id: string, url?: string): string =>
  `hub: { id: ${id}, stop_grace: 1 }\nlog: { level: info }\n` +
  (url === undefined ? '' : `history: { backend: postgres, url: "${url}", lease: 4 }\n`) +
  'execution: { parallel: 8, parallel_per_agent: 8, kill_grace: 1, sandbox: { mode: "off" } }\n' +
  'approvals: { pending: 12 }\n'

/** Two hubs of one broker, each with a data directory of its own. */
class Pair {
  readonly broker: TestBroker
  readonly agent: Agent
  readonly operator: Operator
  readonly #places: readonly [TempDir, TempDir]

  private constructor(
    broker: TestBroker,
    spokes: { agent: Agent; operator: Operator },
    places: readonly [TempDir, TempDir],
  ) {
    this.broker = broker
    this.agent = spokes.agent
    this.operator = spokes.operator
    this.#places = places
  }

  static async make(opened: AsyncDisposableStack): Promise<Pair> {
    const places = [opened.use(await TempDir.make()), opened.use(await TempDir.make())] as const
    const broker = opened.use(await TestBroker.start({ agents: ['agent-a'], operators: ['alice'] }))
    const agent = await Agent.connect({
      name: 'agent-a',
      credentials: await broker.credentials('agent', 'agent-a'),
    })
    const operator = await Operator.connect({
      name: 'alice',
      credentials: await broker.credentials('operator', 'alice'),
    })
    opened.use(agent)
    opened.use(operator)
    return new Pair(broker, { agent, operator }, places)
  }

  first(config: string): Promise<HubProcess> {
    return HubProcess.make(this.broker.dataDir, this.#places[0].path, config)
  }

  async second(config: string): Promise<HubProcess> {
    const workspace = this.#places[1].path
    const dataDir = join(workspace, 'data')
    await cp(join(this.broker.dataDir, 'credentials'), join(dataDir, 'credentials'), {
      recursive: true,
    })
    return HubProcess.make(dataDir, workspace, config, { NATS_URL: this.broker.url })
  }

  /** Commands that write the time, again and again, for as long as they live. */
  async clocks(
    count: number,
  ): Promise<{ results: Promise<ActionResult>[]; last: () => Promise<number> }> {
    const file = join(this.#places[0].path, 'marks')
    await writeFile(file, '')
    const last = async (): Promise<number> =>
      Number((await readFile(file, 'utf8')).trim().split('\n').at(-1))
    const results: Promise<ActionResult>[] = []
    for (let n = 0; n < count; n += 1) {
      // it heeds no SIGTERM
      const command = `bash -c 'trap "" TERM; while :; do date +%s%3N >> ${file}; sleep 0.02; done' # ${n}`
      const asked = await this.agent.requestAction({ command, timeoutSeconds: 100 })
      results.push(asked.result({ timeoutMs: 120_000 }))
    }
    const pending = await eventually(async () => {
      const found = await this.operator.pending()
      return found.length === count && found
    })
    for (const { action_id: id } of pending) await this.operator.approve(id)
    for (const { action_id: id } of pending) {
      await eventually(async () => (await this.operator.result(id)).state === 'running')
    }
    await eventually(async () => (await last()) > 0)
    return { results, last }
  }
}

const openRows = `select action_id, status, hub_id from command_executions
  where status in ('pending', 'queued', 'running')`

describePostgres('a hub that has lost its turn', () => {
  test('by being stopped while its lock went: nothing runs that was called interrupted, nothing is left without an end', async () => {
    await using opened = new AsyncDisposableStack()
    const server = opened.use(await TestPostgres.start())
    const pair = await Pair.make(opened)
    const url = await server.database()
    const database = new URL(url).pathname.slice(1)
    const first = opened.use(await pair.first(settings('first', url)))
    const second = opened.use(await pair.second(settings('second', url)))
    await first.start()
    const { results, last } = await pair.clocks(3)
    // it waits for a person, and nobody comes
    const waiting = await pair.agent.requestAction('rm -r nothing-there')
    await eventually(async () => (await pair.operator.pending()).length === 1)

    process.kill(first.pid, 'SIGSTOP')
    await server.endConnections()
    const meanwhile = await pair.agent.requestAction('echo meanwhile')
    await second.start()
    const interrupted = await Promise.all(results)
    expect(interrupted.map(({ status }) => status)).toEqual(Array(3).fill('interrupted'))
    const calledAt = Math.min(...interrupted.map((one) => Date.parse(one.finished_at)))
    expect(await last()).toBeLessThan(calledAt)

    const goneOn = performance.now()
    process.kill(first.pid, 'SIGCONT')
    await eventually(() => !first.isRunning, 20_000)
    expect(performance.now() - goneOn).toBeLessThan(15_000)
    expect(first.exitCode).toBe(74)
    expect(await last()).toBeLessThan(calledAt)
    expect((await meanwhile.result({ timeoutMs: 60_000 })).status).toBe('completed')
    expect((await waiting.result({ timeoutMs: 60_000 })).status).toBe('expired')
    const late = `select action_id from command_executions where hub_id = 'first' and timestamp > ${calledAt}`
    expect(await server.query(database, late)).toEqual([])
    await eventually(async () => (await server.query(database, openRows)).length === 0, 30_000)
    expect(await pair.operator.verify()).toMatchObject({ intact: true })
  }, 180_000)

  test('by being cut off from the database: it ends what it runs and itself, also where no answer ever comes', async () => {
    await using opened = new AsyncDisposableStack()
    const server = opened.use(await TestPostgres.start())
    const proxy = opened.use(await TcpProxy.to(server.socket))
    const pair = await Pair.make(opened)
    const url = await server.database()
    const database = new URL(url).pathname.slice(1)
    const cut = `postgresql://test@127.0.0.1:${proxy.port}/${database}`
    const first = opened.use(await pair.first(settings('first', cut)))
    const second = opened.use(await pair.second(settings('second', url)))
    await first.start()
    const { results, last } = await pair.clocks(2)
    await expect(second.start()).rejects.toThrow('ended with 73')

    proxy.cut()
    const cutAt = performance.now()
    const meanwhile = await pair.agent.requestAction('echo meanwhile')
    await eventually(() => !first.isRunning, 30_000)
    expect(performance.now() - cutAt).toBeLessThan(30_000)
    expect(first.exitCode).toBe(74)
    // its connections live on the server, and with them its lock
    await second.start()
    const interrupted = await Promise.all(results)
    expect(interrupted.map(({ status }) => status)).toEqual(['interrupted', 'interrupted'])
    const calledAt = Math.min(...interrupted.map((one) => Date.parse(one.finished_at)))
    expect(await last()).toBeLessThan(calledAt)
    expect((await meanwhile.result({ timeoutMs: 60_000 })).status).toBe('completed')
    await eventually(async () => (await server.query(database, openRows)).length === 0, 30_000)
  }, 180_000)

  test('with its runner stopped as well: who takes over on the same machine ends what it left', async () => {
    await using opened = new AsyncDisposableStack()
    const server = opened.use(await TestPostgres.start())
    const pair = await Pair.make(opened)
    const url = await server.database()
    const first = opened.use(await pair.first(settings('first', url)))
    const second = opened.use(await pair.second(settings('second', url)))
    await first.start()
    const { results, last } = await pair.clocks(2)
    const runners = first.runnerPids
    for (const pid of [first.pid, ...runners]) process.kill(pid, 'SIGSTOP')
    // not even its lock goes: its connections are ended when it has not renewed its lease
    await eventually(() => second.start().then(() => true), 60_000)
    const interrupted = await Promise.all(results)
    const calledAt = Math.min(...interrupted.map((one) => Date.parse(one.finished_at)))
    expect(await last()).toBeLessThan(calledAt)
    process.kill(first.pid, 'SIGCONT')
    await eventually(() => !first.isRunning, 20_000)
    expect(await last()).toBeLessThan(calledAt)
  }, 180_000)
})

test('a hub whose lock file was removed is fenced by the next one on its directory', async () => {
  await using opened = new AsyncDisposableStack()
  const pair = await Pair.make(opened)
  const first = opened.use(await pair.first(settings('first')))
  await first.start()
  const { results, last } = await pair.clocks(2)
  await rm(join(pair.broker.dataDir, 'hub.lock'))
  const workspace = opened.use(await TempDir.make())
  const second = opened.use(
    await HubProcess.make(pair.broker.dataDir, workspace.path, settings('first')),
  )
  await second.start()
  const interrupted = await Promise.all(results)
  expect(interrupted.map(({ status }) => status)).toEqual(['interrupted', 'interrupted'])
  const calledAt = Math.min(...interrupted.map((one) => Date.parse(one.finished_at)))
  await eventually(() => !first.isRunning, 30_000)
  // the lease and the claim on the broker tell the same; whichever is looked at first ends the hub
  expect([73, 74]).toContain(first.exitCode)
  expect(await last()).toBeLessThan(calledAt)
}, 120_000)
