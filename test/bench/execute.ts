import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { probeSandbox } from '#hub/execution/index.ts'
import { bwrapArguments } from '#hub/execution/sandbox/bwrap-arguments.ts'
import { TestBroker } from '../support/nats-server.ts'
import { type BenchRow, inDigits } from './bench-row.ts'
import { type Measured, Worker } from './execute/worker.ts'

const rounds = Number(process.env['CENTRALPOST_BENCH_ROUNDS'] ?? 12)
const perRound = 40
const saturating = 32
const perSaturation = 800
const ballast = 450
const agentNames = Array.from({ length: 32 }, (_, index) => `bench-${index}`)
const program = ['/bin/true']

/**
 * What an execution costs, layer by layer, beside starting the same program with nothing but Node in a small process. All cases
 * take turns in one run, so that what else the machine does meets each of them alike. Executor and hub hold 450 MB of ballast.
 */
export async function benchExecute(): Promise<BenchRow[]> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'centralpost-bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const bare = opened.use(await Worker.start('bare-worker.mjs'))
  const execa = opened.use(await Worker.start('execa-worker.ts'))
  const executor = opened.use(await Worker.start('executor-worker.ts', [folder, `${ballast}`]))
  const flow = await startFlow(opened, folder, 'off')
  const bwrap = await bareBwrap(folder)
  const confined = bwrap && (await startFlow(opened, folder, 'required'))

  const argv = { plan: { kind: 'argv', argv: program } }
  const script = { plan: { kind: 'script', script: 'true' } }
  const confinement = { profile: 'ro-nonet', reason: null, refusal: null, warnings: [] }
  const cases: Readonly<Record<string, () => Promise<Measured>>> = {
    'bare-spawn': () => bare.measure(program, perRound),
    execa: () => execa.measure(program, perRound),
    'executor-argv': () => executor.measure(argv, perRound),
    'executor-bash': () => executor.measure(script, perRound),
    flow: () => flow.agents.measure(program, perRound),
    ...(confined && {
      'bare-bwrap': () => bare.measure(bwrap, perRound),
      'executor-sandbox': () => executor.measure({ ...argv, confinement }, perRound),
      'flow-sandbox': () => confined.agents.measure(program, perRound),
    }),
    'bare-spawn-saturated': () => bare.measure(program, perSaturation, saturating),
    'flow-saturated': () => flow.agents.measure(program, perSaturation, saturating),
  }
  const measured = new Map<string, Measured[]>()
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(cases)) {
      // saturation takes long: every third round
      if (name.endsWith('-saturated') && round % 3 !== 0) continue
      if (name === 'flow-saturated') flow.hub.tell('watch')
      const one = await measure()
      // the first round warms up
      if (round >= 0) measured.set(name, [...(measured.get(name) ?? []), one])
    }
  }
  const rows = [...measured].map(([name, all]) => rowOf(name, all))
  const loop = await flow.hub.ask('report')
  return [
    ...rows,
    {
      benchmark: 'execute',
      case: 'hub-event-loop-while-saturated',
      n: loop.n,
      p50_ms: inDigits(loop.p50),
      p95_ms: inDigits(loop.p95),
      p99_ms: inDigits(loop.p99),
      max_ms: inDigits(loop.max),
      per_second: 0,
      rss_mb: Math.round(loop.rss / 2 ** 20),
    },
  ]
}

interface Flow {
  readonly hub: Worker
  readonly agents: Worker
}

/** The command line by which the sandbox runs the program. Null where there is no bubblewrap that works. */
async function bareBwrap(cwd: string): Promise<readonly string[] | null> {
  const { sandbox, missing } = await probeSandbox({ roots: [cwd], hidden: [] })
  if (sandbox === null) {
    process.stderr.write(`no rows of the sandbox: ${missing['ro-nonet']}\n`)
    return null
  }
  // without the descriptors that only the runner hands over
  const plain = { ...sandbox, filtersCalls: false }
  const mark = { hubId: 'bench', runId: 'bench' }
  const args = bwrapArguments(plain, { profile: 'ro-nonet', cwd, shown: [], mark })
  return [sandbox.bwrap, ...args, '--', ...program]
}

/** Broker, hub and agents, each in a process of its own. */
async function startFlow(
  opened: AsyncDisposableStack,
  folder: string,
  sandbox: 'off' | 'required',
): Promise<Flow> {
  const broker = opened.use(await TestBroker.start({ agents: agentNames }))
  const settings = join(folder, `hub-${sandbox}.json`)
  await writeFile(
    settings,
    JSON.stringify({
      dataDir: broker.dataDir,
      credentials: {
        hub: await broker.credentials('hub'),
        endpoints: await broker.credentials('hub-endpoints'),
      },
      config: {
        hub: { id: 'bench' },
        execution: {
          parallel: saturating + 1,
          parallel_per_agent: saturating,
          sandbox: { mode: sandbox },
        },
      },
      ballast,
    }),
  )
  const hub = opened.use(await Worker.start('hub-worker.ts', [settings]))
  const files = await Promise.all(
    agentNames.map(async (name) => {
      const file = join(folder, `${sandbox}-${name}.json`)
      const credentials = await broker.credentials('agent', name)
      await writeFile(file, JSON.stringify({ name, credentials }))
      return file
    }),
  )
  const agents = opened.use(await Worker.start('agent-worker.ts', files))
  return { hub, agents }
}

function rowOf(name: string, measured: readonly Measured[]): BenchRow {
  const each = measured.flatMap((one) => one.each).toSorted((a, b) => a - b)
  const at = (share: number): number =>
    inDigits(each[Math.min(each.length - 1, Math.floor(each.length * share))] ?? 0)
  // the median round: one that was disturbed does not count
  const speeds = measured.map((one) => (one.each.length / one.all) * 1000).toSorted((a, b) => a - b)
  return {
    benchmark: 'execute',
    case: name,
    n: each.length,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    per_second: Math.round(speeds[speeds.length >> 1] ?? 0),
  }
}
