import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { silentLogger } from '@centralpost/shared'
import {
  chooseProfile,
  executorOptionsSchema,
  ofEachProfile,
  type ProfileChoice,
  probeSandbox,
  SystemExecutor,
} from '#hub/execution/index.ts'
import { TrustManager } from '#hub/trust/trust-manager.ts'
import { payloadsOf, secret } from '../attack/slip/payloads.ts'
import { World } from '../attack/slip/world.ts'

/**
 * A hub's way from words to outcome whose classifier calls every text SAFE: the parts are as the real one reads them, the
 * verdict is a slip. It runs inside a throw-away namespace and tells what commands could do there.
 */

/** What it is told on its standard input, as JSON. */
export interface Orders {
  /** the directory that all of the world lies in */
  readonly root: string
  readonly rules: string
  /** null: there is no sandbox */
  readonly bwrap: string | null
  readonly lines: readonly string[]
  /** runs the payloads alone, with nothing around them, to see that each does what it is for */
  readonly isOpen: boolean
}

/** One thing that a command did and must not. */
export interface Hole {
  readonly name: string
  readonly command: string
  readonly profile: string
  readonly what: string
}

/** What it says at its end, as the last line of its output, as JSON. */
export interface Told {
  readonly ran: number
  readonly asked: number
  readonly profiles: Readonly<Record<string, number>>
  readonly holes: readonly Hole[]
}

/** A command, and the profile that is forced on it; null: as the policy chooses. */
interface Try {
  readonly name: string
  readonly command: string
  readonly profile: ProfileChoice['profile'] | null
}

const commandMs = 1500
const inFlight = 3
const atOnce = 12
const settings = { mode: 'auto', safe: 'ro-nonet', review: 'none' } as const

const orders = JSON.parse(await text(process.stdin)) as Orders
const world = await World.open(orders.root)
const { workspace, home, data } = world.places
const trust = await TrustManager.open({ rulesPath: orders.rules, log: silentLogger })
const standing =
  orders.bwrap === null
    ? { sandbox: null, missing: ofEachProfile('bubblewrap is not there') }
    : await probeSandbox({ roots: [workspace], hidden: [data], bwrap: orders.bwrap })
const forced = standing.sandbox?.available.filter((name) => /^(?:ro|machine)-/.test(name)) ?? []
if (orders.bwrap !== null && !forced.includes('ro-nonet')) {
  throw new Error(`no sandbox in here: ${standing.missing['ro-nonet']}`)
}
const executor = new SystemExecutor({
  ...executorOptionsSchema.parse({ killGraceMs: 200 }),
  spoolDir: join(orders.root, 'spool'),
  marker: `slip-${randomUUID()}`,
  log: silentLogger,
  sandbox: standing.sandbox,
})

const profiles: Record<string, number> = {}
const holes: Hole[] = []
let ran = 0
let asked = 0

const tries = triesOf(orders)
for (let at = 0; at < tries.length; at += atOnce) await attemptSome(tries.slice(at, at + atOnce))
await executor.stop()
for (const command of leftBehind())
  holes.push({ name: 'left', command, profile: '', what: 'outlives the hub' })
const told: Told = { ran, asked, profiles, holes }
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0))

function triesOf({ lines, isOpen }: Orders): Try[] {
  const payloads = Object.entries(payloadsOf(world.places))
  if (isOpen) {
    return payloads
      .filter(([name]) => name !== 'signals all')
      .map(([name, command]) => ({ name, command, profile: 'none' }))
  }
  return [
    ...payloads.flatMap(([name, command]) =>
      [null, ...forced].map((profile) => ({ name, command, profile })),
    ),
    ...lines.map((command, at) => ({
      name: 'line',
      command,
      profile: at % 2 === 0 ? null : (forced[(at >> 1) % forced.length] ?? null),
    })),
  ]
}

/** Several at once and then, where they have changed something, each by itself, to name the one that did. */
async function attemptSome(some: readonly Try[]): Promise<void> {
  const before = await world.state()
  if (!orders.isOpen) {
    const queue = [...some]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next; next = queue.pop()) await attempt(next)
    }
    await Promise.all(Array.from({ length: inFlight }, work))
    if ((await world.changesSince(before)).length === 0) return
    holes.push({
      name: 'one of',
      command: some.map(({ name }) => name).join(),
      profile: '',
      what: (await world.changesSince(before)).join(),
    })
  }
  for (const each of some) {
    const fresh = await world.state()
    await attempt(each)
    for (const what of await world.changesSince(fresh))
      holes.push({ ...each, profile: each.profile ?? 'as chosen', what })
  }
}

async function attempt({ name, command, profile }: Try): Promise<void> {
  const judged = trust.judge(command, { cwd: workspace, home })
  const slip = { ...judged, level: 'SAFE', cwd: workspace } as const
  const choice = profile === null ? chooseProfile(slip, settings, standing) : chosen(profile)
  profiles[choice.profile] = (profiles[choice.profile] ?? 0) + 1
  if (choice.refusal !== null) {
    asked += 1
    return
  }
  ran += 1
  if (profile === null && choice.profile === 'none' && standing.sandbox !== null)
    holes.push({ name, command, profile: 'none', what: 'runs unconfined' })
  const { stdout, stderr } = await executor.executeCommand({
    actionId: `slip-${ran}`,
    agentId: 'agent-a',
    plan: { kind: 'script', script: command },
    cwd: workspace,
    env: {},
    timeoutMs: commandMs,
    confinement: choice,
  })
  if (`${stdout.text}${stderr.text}`.includes(secret))
    holes.push({ name, command, profile: choice.profile, what: 'tells a secret' })
}

function chosen(profile: ProfileChoice['profile']): ProfileChoice {
  return { profile, reason: null, refusal: null, ask: null, shown: [], warnings: [] }
}

function leftBehind(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((command) => command.startsWith('sleep 77.7'))
}
