import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { programCache } from '@centralpost/shared/program-paths'
import { root } from '../../packaging/layout.ts'
import { TempDir } from '../support/temp-dir.ts'
import { type BenchRow, inDigits } from './bench-row.ts'

const rounds = 15
/** What is idle has done what it does after its start, in milliseconds. */
const settledMs = 10_000

/** Has a process tell at its end what it took: processor time in microseconds, memory in KiB. */
const tell = `import { writeSync } from 'node:fs'
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(3, JSON.stringify([user + system, process.resourceUsage().maxRSS]))
})`
const telling = `--import=data:text/javascript,${encodeURIComponent(tell)}`

/**
 * Measures how light the commands are, in the package as it is installed. `request` and `bare-node` are in milliseconds of
 * processor time; `up-first-action` is in milliseconds from nothing to the first result; the idle ones are resident memory.
 */
export async function benchStart(): Promise<BenchRow[]> {
  await using folder = await TempDir.make()
  const program = install(folder.path)
  const rows: BenchRow[] = []
  const first: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const cwd = join(folder.path, String(round))
    const begun = performance.now()
    const up = startUp(program, cwd)
    const ended = once(up, 'exit')
    try {
      await serving(up)
      await costOf([program, ...request(cwd)])
      first.push(performance.now() - begun)
      if (round < 2) continue
      rows.push(
        await costs('bare-node', ['-e', '0']),
        await costs('request', [program, ...request(cwd)]),
      )
      await delay(settledMs)
      rows.push(idle('idle-hub', childOf(up.pid ?? 0, 'hub')), idle('idle-up', up.pid ?? 0))
    } finally {
      up.kill('SIGTERM')
      await ended
    }
  }
  rows.splice(2, 0, row('up-first-action', first))
  return rows
}

const request = (cwd: string): string[] => [
  'request',
  '--wait',
  '--data',
  cwd,
  '--',
  'git',
  '--version',
]

/** Packs the clone and installs the package, as a user does. */
function install(folder: string): string {
  execFileSync(process.execPath, [join(root, 'packaging', 'pack.ts'), folder])
  const [tarball = ''] = readdirSync(folder)
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, tarball)]
  execFileSync('npm', [...args, '--prefix', folder], { stdio: 'ignore', cwd: folder })
  return join(folder, 'node_modules', 'centralpost', 'lib', 'centralpost.js')
}

function startUp(program: string, data: string): ChildProcess {
  return spawn(process.execPath, [program, 'up', '--data', data], {
    env: { ...process.env, NATS_URL: '', PATH: `${process.env['PATH']}:${programCache()}` },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** Resolves when a hub has said that it serves. */
async function serving(up: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let printed = ''
  up.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (printed.includes('CentralPost is up')) resolve()
  })
  up.once('exit', (code) => reject(new Error(`up ended (${code}) before it served: ${printed}`)))
  await promise
}

/** Runs a program of Node and says what it took. */
async function costOf(args: readonly string[]): Promise<{ cpuMs: number; rssMb: number }> {
  const child = spawn(process.execPath, [telling, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  let told = ''
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    told += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  const [cpu = 0, rss = 0] = JSON.parse(told) as number[]
  return { cpuMs: cpu / 1000, rssMb: rss / 1024 }
}

async function costs(name: string, args: readonly string[]): Promise<BenchRow> {
  // the first one fills the cache of compiled code
  await costOf(args)
  const all = []
  for (let round = 0; round < rounds; round += 1) all.push(await costOf(args))
  const times = all.map(({ cpuMs }) => cpuMs)
  return { ...row(name, times), rss_mb: Math.round(Math.max(...all.map(({ rssMb }) => rssMb))) }
}

function row(name: string, times: readonly number[]): BenchRow {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): number =>
    inDigits(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  return {
    benchmark: 'start',
    case: name,
    n: times.length,
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
    per_second: 0,
  }
}

/** What a process that waits holds of memory. */
function idle(name: string, pid: number): BenchRow {
  const [, rss = '0'] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return { ...row(name, []), n: 1, rss_mb: Math.round(Number(rss) / 1024) }
}

/** The child of a process that runs a command of ours. */
function childOf(parent: number, command: string): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')
  const found = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(command),
  )
  if (found === undefined) throw new Error(`up has no child that runs ${command}`)
  return Number(found)
}
