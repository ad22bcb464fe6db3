import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { violationsOf, wentWithStore } from './checker.ts'
import { Deciders } from './deciders.ts'
import { Dice } from './dice.ts'
import type { Evidence, Mark, Sent } from './evidence.ts'
import { type Fault, faults } from './faults.ts'
import type { Lab } from './lab.ts'
import { readLedger } from './ledger.ts'
import { LoadingAgent } from './load.ts'
import { agentNames, type Needs, World } from './world.ts'

const loadMs = 2500
const drainMs = 150_000
const noticingMs = 5000

/** What a round is to be, by its seed alone. */
export interface Plan {
  readonly seed: number
  readonly faults: readonly {
    readonly fault: Fault
    readonly afterMs: number
    readonly lengthMs: number
  }[]
}

/** What came of a round. */
export interface Outcome {
  readonly plan: Plan
  readonly acknowledged: number
  readonly violations: readonly string[]
  /** what happened when, for whoever looks for the cause */
  readonly log: readonly string[]
  readonly hubLog: string
}

/** @param only names the one fault that is to be tried */
export function planOf(seed: number, lab: Lab, only?: string): Plan {
  const dice = new Dice(seed, 'plan')
  const possible = faults.filter(
    (one) => one.missing(lab) === null && (only === undefined || one.name === only),
  )
  const count = dice.next() < 0.4 ? 2 : 1
  const drawn: { fault: Fault; afterMs: number; lengthMs: number }[] = []
  while (drawn.length < count) {
    const fault = dice.of(possible)
    const afterMs = dice.between(300, loadMs - 500)
    const lengthMs = dice.between(500, 6000)
    // only one library can be preloaded
    const others = drawn.map((one) => one.fault.needs?.library).filter((one) => one !== undefined)
    const library = fault.needs?.library
    if (library !== undefined && others.some((one) => one !== library)) continue
    drawn.push({ fault, afterMs, lengthMs })
  }
  return { seed, faults: drawn }
}

export const toldPlan = ({ seed, faults: drawn }: Plan): string =>
  `seed ${seed}: ${drawn.map(({ fault, afterMs, lengthMs }) => `${fault.name} at ${afterMs} ms for ${lengthMs} ms`).join(', ')}`

/** What a hub's log warns of, but for how actions end, which the ledger tells. */
export const warningsOf = (hubLog: string): string[] =>
  hubLog
    .split('\n')
    .filter(
      (line) =>
        /\b(WARN|ERROR)\b/.test(line) && !/action ended|request rejected|blocked/.test(line),
    )
    .slice(-40)

/** Real processes under a mixed load, the plan's faults, recovery, and the check of what is left. */
export async function playRound(plan: Plan, lab: Lab): Promise<Outcome> {
  await using opened = new AsyncDisposableStack()
  const log: string[] = []
  const begun = performance.now()
  const note = (line: string): void => {
    log.push(`${Math.round(performance.now() - begun)} ms: ${line}`)
  }
  const needs: Needs = Object.assign({}, ...plan.faults.map(({ fault }) => fault.needs))
  const world = await World.make(lab, needs, opened, note)
  await world.start()
  note('the hub serves')
  const agents = await Promise.all(
    agentNames.map((name) => LoadingAgent.connect(world, name, plan.seed, opened)),
  )
  const deciders = await Deciders.connect(world, opened)
  const from = world.now
  const striking = Promise.all(
    plan.faults.map(async ({ fault, afterMs, lengthMs }, index) => {
      await delay(afterMs)
      note(`${fault.name}: begins`)
      await fault.strike(world, new Dice(plan.seed, `fault ${index}`), lengthMs)
      note(`${fault.name}: is over`)
    }),
  )
  await Promise.all(agents.map((agent) => agent.ask(from + loadMs)))
  note('the load is over')
  await striking
  await Promise.all(agents.map((agent) => agent.settled()))
  note('every request is confirmed')
  await drained(world, agents, note)
  await Promise.all(agents.map((agent) => agent.settled()))
  const saysIntact = await verified(deciders)
  await deciders.stop()
  const stopCode = await world.end()
  note(`the hub is stopped, and ends with ${stopCode}`)

  const evidence: Evidence = {
    sent: agents.flatMap(({ sent }) => sent),
    heard: agents.flatMap(({ heard }) => heard),
    marks: await readMarks(world),
    ...(await readLedger(world)),
    survivors: await survivorsOf(world.workspace),
    stopCode,
    saysIntact,
    wipedAt: world.wipedAt,
    faults: plan.faults.length,
    wasClockSet: plan.faults.some(({ fault }) => fault.name === 'clock set'),
  }
  return {
    plan,
    acknowledged: evidence.sent.filter(({ confirmedAt }) => confirmedAt !== null).length,
    violations: violationsOf(evidence),
    log,
    hubLog: await world.hubLog(),
  }
}

/** Resolves when every request has its end, or when it should have. */
async function drained(
  world: World,
  agents: readonly LoadingAgent[],
  note: (line: string) => void,
): Promise<void> {
  const until = performance.now() + drainMs
  // what went with a wiped store is known to nobody, and never will be
  let leftUnknownSince = performance.now()
  let before = -1
  for (;;) {
    const asked = (await Promise.all(agents.map((agent) => agent.askForEnds()))).flat()
    // of an id that was reused the later request may be the first that a new store has, and nobody decides it
    const left: Sent[] = asked.filter((one) => !one.isReused || !wentWithStore(one, world.wipedAt))
    if (left.length !== before) leftUnknownSince = performance.now()
    before = left.length
    const areLost =
      world.wipedAt !== null &&
      left.every(({ told }) => told === null) &&
      performance.now() - leftUnknownSince > 8000
    if (left.length === 0 || areLost) break
    if (performance.now() > until) {
      note(`${left.length} requests have no end: ${left.map((one) => one.actionId).join(' ')}`)
      break
    }
    await delay(200)
  }
  note('drained')
}

async function verified(deciders: Deciders): Promise<boolean> {
  for (let tries = 0; tries < 20; tries += 1) {
    for (const operator of deciders.operators) {
      try {
        const { unpublished = 0 } = (await operator.hubs())[0] ?? {}
        if (unpublished > 0) continue
        return (await operator.verify()).intact
      } catch {
        // the hub is away for a moment
      }
    }
    await delay(500)
  }
  return false
}

async function readMarks({ workspace }: World): Promise<Mark[]> {
  const folder = join(workspace, 'marks')
  const texts = await Promise.all(
    (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
  )
  const lines = texts.flatMap((text) => text.split('\n').filter(Boolean))
  return lines.map((line) => {
    const [actionId = '', kind, at] = line.split(' ')
    return { actionId, kind: kind === 'start' ? 'start' : 'tick', at: Number(at) }
  })
}

/** What lives on after the end; who only has to notice it has the time for that. */
async function survivorsOf(workspace: string): Promise<string[]> {
  const until = performance.now() + noticingMs
  for (;;) {
    const survivors = survivorsIn(workspace)
    if (survivors.length === 0 || performance.now() > until) return survivors
    await delay(100)
  }
}

/** Whatever works in the round's folder, or was started by its hub. */
function survivorsIn(workspace: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(workspace)) return []
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || pid]
      } catch {
        return []
      }
    })
}
