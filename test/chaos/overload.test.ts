import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, Operator } from '@centralpost/agents'
import { type ActionResult, requestSubject, resultSubject } from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { clientOptions, TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

// Eight agents ask for more than they may, all the time; one is polite. CENTRALPOST_OVERLOAD_SECONDS: for how long.

const seconds = Number(process.env['CENTRALPOST_OVERLOAD_SECONDS'] ?? 6)
const flooders = Array.from({ length: 8 }, (_, n) => `flooder-${n}`)
const MiB = 1024

/** An agent that has as many requests at the broker as it may have, whatever is taken from there. */
class Flooder implements AsyncDisposable {
  readonly refusals: ActionResult[] = []
  refusedByBroker = 0
  readonly #isOver = new AbortController()
  #loops: Promise<unknown> = Promise.resolve()

  static async start(broker: TestBroker, name: string): Promise<Flooder> {
    const it = new Flooder()
    const bare = await connect(clientOptions(await broker.credentials('agent', name)))
    bare.subscribe(resultSubject(name, '*'), {
      callback: (_error, message) => {
        const result = JSON.parse(message.string()) as ActionResult
        if (result.status === 'rejected') it.refusals.push(result)
      },
    })
    const flood = async (loop: number): Promise<void> => {
      for (let n = 0; !it.#isOver.signal.aborted; n += 1) {
        const request = { schema: 1, action_id: `${loop}-${n}`, command: `echo ${name} ${n}` }
        const answer = await bare.request(requestSubject(name), JSON.stringify(request), {
          timeout: 30_000,
        })
        if (!answer.string().includes('"error"')) continue
        it.refusedByBroker += 1
        await delay(20)
      }
    }
    const loops = Array.from({ length: 20 }, (_, loop) => flood(loop))
    it.#loops = (async () => {
      await Promise.all(loops)
      await bare.close()
    })()
    return it
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver.abort()
    await this.#loops
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
async function measure(polite: Agent, operator: Operator, forSeconds: number): Promise<Times> {
  const times: Times = { safe: [], approve: [], cancel: [] }
  const until = performance.now() + forSeconds * 1000
  for (let n = 0; n < 12 || performance.now() < until; n += 1) {
    await timed(times.safe, async () => {
      const asked = await polite.requestAction(`echo polite ${n}`)
      const { status } = await asked.result({ timeoutMs: 60_000 })
      if (status !== 'completed') throw new Error(`the polite agent's action is ${status}`)
    })
    const wanted = await Promise.all([
      polite.requestAction(`touch wanted-${n}`),
      polite.requestAction(`touch unwanted-${n}`),
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
  `approve p99 ${Math.round(percentile(times.approve, 0.99))}, cancel p99 ${Math.round(percentile(times.cancel, 0.99))} ms`

test(
  'eight agents at their quota delay a polite one and the operators within bounds, and fill no memory',
  async () => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({
      agents: ['polite', ...flooders],
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
    const calm = await measure(polite, operator, seconds / 3)

    await using floods = new AsyncDisposableStack()
    const started = await Promise.all(flooders.map((name) => Flooder.start(broker, name)))
    for (const one of started) floods.use(one)
    await eventually(() => started.every((one) => one.refusedByBroker > 0), 60_000)
    const before = memoryOf(hub.pid)
    const flooded = await measure(polite, operator, seconds)
    const after = memoryOf(hub.pid)
    await eventually(() => started.every((one) => one.refusals.length > 0), 60_000)
    const refusals = started.flatMap((one) => one.refusals)
    const refusedByBroker = started.reduce((sum, one) => sum + one.refusedByBroker, 0)
    process.stderr.write(
      `calm: ${told(calm)}; under ${flooders.length} floods: ${told(flooded)} (${flooded.safe.length} of each); ` +
        `hub ${Math.round(before)} → ${Math.round(after)} MiB; ${refusals.length} refused by the hub, ${refusedByBroker} by the broker\n`,
    )

    // on a machine that is busy with other things a quiet hub takes long as well
    const calmSafe = Math.max(20, percentile(calm.safe, 0.95))
    expect(percentile(flooded.safe, 0.95)).toBeLessThanOrEqual(10 * calmSafe)
    for (const what of ['approve', 'cancel'] as const) {
      const bound = Math.max(300, 10 * percentile(calm[what], 0.99))
      expect(percentile(flooded[what], 0.99)).toBeLessThanOrEqual(bound)
    }
    expect(after).toBeLessThan(before * 1.3 + 50)
    expect(refusals.filter((one) => !((one.retry_after ?? 0) >= 1))).toEqual([])
  },
  seconds * 10_000 + 120_000,
)
