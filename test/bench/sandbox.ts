import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { silentLogger } from '@centralpost/shared'
import { executorOptionsSchema, probeSandbox, SystemExecutor } from '#hub/execution/index.ts'
import { bwrapArguments } from '#hub/execution/sandbox/bwrap-arguments.ts'
import { confine } from '#hub/execution/sandbox/confine.ts'
import { confinedProfiles } from '#hub/execution/sandbox/profiles.ts'
import type { BenchRow } from './bench-row.ts'
import type { ProcessStart } from '#hub/execution/process-start.ts'

const rounds = 150

/** The least that gives the promises of `ro-nonet` but for what is masked: what the wrapper is measured against. */
export const bareBwrapArguments: readonly string[] = [
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--unshare-net',
  '--die-with-parent',
  '--new-session',
  '--ro-bind',
  '/',
  '/',
  '--dev',
  '/dev',
  '--proc',
  '/proc',
  '--tmpfs',
  '/tmp',
]

const confinementParts = {
  shown: [],
  mark: { hubId: 'bench', runId: 'bench' },
  limits: {},
  group: null,
}

/**
 * Times a start of `/bin/true`: without anything, in a bare bubblewrap, in each profile, without single options of
 * `ro-nonet` (what they cost), by the rewrite alone, and by the executor without and with the sandbox. The cases take
 * turns, so that whatever else the machine does falls on all of them.
 */
export async function benchSandbox(): Promise<BenchRow[]> {
  const root = mkdtempSync(join(tmpdir(), 'bench-sandbox-'))
  try {
    return await measure(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function measure(root: string): Promise<BenchRow[]> {
  const { sandbox, missing } = await probeSandbox({ roots: [root], hidden: [] })
  if (sandbox === null) throw new Error(missing['ro-nonet'])
  const ours = bwrapArguments(
    { ...sandbox, filtersCalls: false },
    { ...confinementParts, profile: 'ro-nonet', cwd: root },
  )
  const bwrap = (args: readonly string[]) => () => start(sandbox.bwrap, [...args, '/bin/true'])
  const without = (...names: string[]) => bwrap(ours.filter((word) => !names.includes(word)))
  const executor = new SystemExecutor({
    ...executorOptionsSchema.parse({}),
    spoolDir: join(root, 'spool'),
    marker: 'bench-sandbox',
    log: silentLogger,
    sandbox,
  })
  const run = {
    actionId: 'bench',
    agentId: 'bench',
    plan: { kind: 'argv' as const, argv: ['/bin/true'] },
    cwd: root,
    env: {},
    timeoutMs: 10_000,
  }
  const confinement = {
    profile: 'ro-nonet' as const,
    reason: null,
    refusal: null,
    ask: null,
    shown: [],
    warnings: [],
  }
  const env = { PATH: '/usr/bin:/bin' }
  const plain = { file: '/bin/true', argv0: 'true', args: [], cwd: root, env }
  const cases: Record<string, () => unknown> = {
    spawn: () => start('/bin/true', []),
    'bare-bwrap': bwrap(bareBwrapArguments),
    ...Object.fromEntries(
      confinedProfiles.map((profile) => [
        profile,
        // with all that stands before and behind it
        () => startAs(confine(plain, { ...confinementParts, profile, sandbox }).start),
      ]),
    ),
    'ro-nonet without --unshare-net': without('--unshare-net'),
    'ro-nonet without ipc, uts': without('--unshare-ipc', '--unshare-uts'),
    'rewrite only': () => confine(plain, { ...confinementParts, profile: 'ro-nonet', sandbox }),
    executor: () => executor.executeCommand(run),
    'executor-sandbox': () => executor.executeCommand({ ...run, confinement }),
    'executor-machine': () =>
      executor.executeCommand({
        ...run,
        confinement: { ...confinement, profile: 'machine-processes' },
      }),
  }
  const times = new Map(Object.keys(cases).map((name) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, carryOut] of Object.entries(cases)) {
      const begun = performance.now()
      await carryOut()
      // round 0 warms up
      if (round > 0) times.get(name)?.push(performance.now() - begun)
    }
  }
  await executor.stop()
  return [...times].map(([name, ms]) => rowOf(name, ms))
}

/** As the runner does, with the filter on its descriptor. */
async function startAs({ file, args, filter, env }: ProcessStart): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], env })
  ;(child.stdio[4] as Writable).on('error', () => {}).end(filter?.bytes ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
}

async function start(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
}

function rowOf(name: string, ms: readonly number[]): BenchRow {
  const sorted = ms.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(3))
  const total = sorted.reduce((sum, one) => sum + one, 0)
  return {
    benchmark: 'sandbox',
    case: name,
    n: sorted.length,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    per_second: Math.round((1000 * sorted.length) / total),
  }
}
