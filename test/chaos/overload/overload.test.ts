import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Agent, Operator } from '@centralpost/agents'
import { actionStream, requestSubject } from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../../support/eventually.ts'
import { HubProcess } from '../../support/hub-process.ts'
import { clientOptions, TestBroker } from '../../support/nats-server.ts'
import { TempDir } from '../../support/temp-dir.ts'
import type { Flooded, ToFlooders } from './flooders.ts'

// Eight agents ask for more than they may, all the time; one is polite. Calm and floods take turns, so that what else the
// machine does meets both. CENTRALPOST_OVERLOAD_SECONDS: how long each of them lasts.

const seconds = Number(process.env['CENTRALPOST_OVERLOAD_SECONDS'] ?? 2)
const rounds = 2
const flooderNames = Array.from({ length: 8 }, (_, n) => `flooder-${n}`)
const MiB = 1024
/** Below this a neighbour's burst decides, not fairness: first come, first served takes ten times as long. In milliseconds. */
const leastBase = 50

/** The agents that ask for as much as they can, in a process of their own. */
class Flooders implements AsyncDisposable {
  told: Flooded = { isResting: false, refusedByHub: 0, withoutTime: 0, atQuota: 0 }
  readonly #broker: TestBroker
  readonly #child: ChildProcess

  private constructor(broker: TestBroker) {
    this.#broker = broker
    this.#child = fork(fileURLToPath(new URL('flooders.ts', import.meta.url)), { execArgv: [] })
    this.#child.on('message', (told) => {
      this.told = told as Flooded
    })
  }

  static async start(broker: TestBroker): Promise<Flooders> {
    const it = new Flooders(broker)
    const agents = await Promise.all(
      flooderNames.map(
        async (name) => [name, clientOptions(await broker.credentials('agent', name))] as const,
      ),
    )
    it.#send({ kind: 'who', agents })
    return it
  }

  /** Resolves when each has as many requests at the broker as it may have, whatever is taken from there. */
  async ask(): Promise<void> {
    await eventually(() => this.told.isResting, 60_000)
    this.#send({ kind: 'ask' })
    await eventually(() => this.told.atQuota === flooderNames.length, 60_000)
  }

  /** Resolves when nothing of theirs is with the broker or the hub any more. */
  async rest(operator: Operator): Promise<void> {
    this.told = { ...this.told, isResting: false }
    this.#send({ kind: 'rest' })
    await eventually(() => this.told.isResting, 60_000)
    const bare = await connect(clientOptions(await this.#broker.credentials('hub')))
    const { streams } = await bare.jetstreamManager()
    for (const name of flooderNames) {
      await streams.purge(actionStream, { filter: requestSubject(name) })
    }
    await bare.close()
    await eventually(async () => {
      const [hub] = await operator.hubs()
      return hub?.running === 0 && hub.queued === 0 && hub.unpublished === 0
    }, 60_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  #send(message: ToFlooders): void {
    this.#child.send(message)
  }
}

/** How long each took, in milliseconds. */
interface Times {
  readonly safe: number[]
  readonly approve: number[]
  readonly cancel: number[]
}

async function timed(list: number[], work: () => Promise<unknown>): Promise<void> {
  const begun = performance.now()
  await work()
  list.push(performance.now() - begun)
}

/** Asks one after the other, for so many seconds, and at least so many times of each. */
async function measure(polite: Agent, operator: Operator, name: string): Promise<Times> {
  const times: Times = { safe: [], approve: [], cancel: [] }
  const until = performance.now() + seconds * 1000
  for (let n = 0; n < 12 || performance.now() < until; n += 1) {
    await timed(times.safe, async () => {
      const asked = await polite.requestAction(`echo polite ${n}`)
      const { status } = await asked.result({ timeoutMs: 60_000 })
      if (status !== 'completed') throw new Error(`the polite agent's action is ${status}`)
    })
    const wanted = await Promise.all([
      polite.requestAction(`touch wanted-${name}-${n}`),
      polite.requestAction(`touch unwanted-${name}-${n}`),
    ])
    const ids = wanted.map(({ actionId }) => actionId)
    await eventually(async () => {
      const pending = new Set((await operator.pending()).map((one) => one.action_id))
      return ids.every((id) => pending.has(id))
    })
    await timed(times.approve, () => operator.approve(ids[0] ?? ''))
    await timed(times.cancel, () => operator.cancel(ids[1] ?? ''))
    await wanted[0]?.result({ timeoutMs: 60_000 })
  }
  return times
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** What a process has in memory, in MiB. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / MiB
}

const told = (times: Times): string =>
  `SAFE p50 ${Math.round(percentile(times.safe, 0.5))} p95 ${Math.round(percentile(times.safe, 0.95))}, ` +
  `approve p99 ${Math.round(percentile(times.approve, 0.99))}, cancel p99 ${Math.round(percentile(times.cancel, 0.99))} ms (${times.safe.length} of each)`

test(
  'eight agents at their quota delay a polite one and the operators within bounds, and fill no memory',
  async () => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({
      agents: ['polite', ...flooderNames],
      operators: ['alice'],
    })
    await using hub = await HubProcess.make(
      broker.dataDir,
      workspace.path,
      'hub: { id: overload, stop_grace: 1 }\nlog: { level: error }\n' +
        'execution: { queued_per_agent: 20, sandbox: { mode: "off" } }\n',
    )
    await hub.start()
    await using polite = await Agent.connect({
      name: 'polite',
      credentials: await broker.credentials('agent', 'polite'),
    })
    await using operator = await Operator.connect({
      name: 'alice',
      credentials: await broker.credentials('operator', 'alice'),
    })
    await using flooders = await Flooders.start(broker)
    const calm: Times[] = []
    const flooded: Times[] = []
    const memory: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      calm.push(await measure(polite, operator, `calm-${round}`))
      await flooders.ask()
      memory.push(memoryOf(hub.pid))
      flooded.push(await measure(polite, operator, `flooded-${round}`))
      memory.push(memoryOf(hub.pid))
      await eventually(() => flooders.told.refusedByHub > 0, 60_000)
      await flooders.rest(operator)
    }
    const { refusedByHub, withoutTime } = flooders.told
    process.stderr.write(
      `${calm.map((times) => `calm: ${told(times)}`).join('\n')}\n${flooded.map((times) => `under ${flooderNames.length} floods: ${told(times)}`).join('\n')}\n` +
        `hub ${memory.map(Math.round).join(' → ')} MiB; ${refusedByHub} refused by the hub\n`,
    )

    // what else the machine does must meet every flood, and no calm, to be taken for unfairness
    const base = (of: keyof Times, share: number): number =>
      Math.max(leastBase, ...calm.map((times) => percentile(times[of], share)))
    const seen = (of: keyof Times, share: number): number =>
      Math.min(...flooded.map((times) => percentile(times[of], share)))
    expect(seen('safe', 0.5)).toBeLessThanOrEqual(6 * base('safe', 0.5))
    expect(seen('safe', 0.95)).toBeLessThanOrEqual(10 * base('safe', 0.95))
    for (const what of ['approve', 'cancel'] as const) {
      expect(seen(what, 0.99)).toBeLessThanOrEqual(Math.max(300, 10 * base(what, 0.99)))
    }
    const [before = 0, ...after] = memory
    expect(Math.max(...after)).toBeLessThan(before * 1.3 + 50)
    expect(withoutTime).toBe(0)
  },
  seconds * 20_000 + 300_000,
)
