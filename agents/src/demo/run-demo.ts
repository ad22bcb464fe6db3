import { existsSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type ActionResult, CentralPostError, visible, isAlive } from '@centralpost/shared'
import { styled } from '../terminal/terminal.ts'
import { waitFor } from '../spoke/deadline.ts'
import { type Expectation, judge } from './expectations.ts'
import type { DemoProcess } from './processes.ts'
import { eventLine, historyTable, resultTable } from './screen.ts'
import { SeenActions } from './seen-actions.ts'
import { demoAgents, pendingSeconds, Stage } from './stage.ts'

const agentsMs = 300_000
const goneMs = 10_000

export interface DemoOptions {
  readonly signal: AbortSignal
  /** receives the story line by line */
  readonly print: (line: string) => void
}

export interface DemoReport {
  readonly expectations: readonly Expectation[]
  readonly results: readonly ActionResult[]
}

/**
 * Plays the whole path on a real directory: broker, hub, three agents and an operator, each a
 * process.
 *
 * @param path the directory for the agents to look at
 * @returns the expectations and whether they were met, and all results
 * @throws {CentralPostError} when the stage cannot be set up; nothing is left behind then either
 */
export async function runDemo(path: string, options: DemoOptions): Promise<DemoReport> {
  const { signal, print } = options
  const workDir = await directoryAt(path)
  headline(print, `Three agents work on ${visible(workDir)}`)
  print('starting broker and hub in a temporary directory …')
  let played: DemoReport = { expectations: [], results: [] }
  let processIds: readonly number[] = []
  let folder = ''
  {
    await using stage = await Stage.set(workDir, signal)
    folder = stage.folder
    played = await play(stage, workDir, options)
    processIds = await stage.processIds()
  }
  const cleanUp = {
    what: `cleaned up: ${processIds.length} processes ended, temporary files removed`,
    isMet: (await allGone(processIds)) && !existsSync(folder),
  }
  const expectations = [...played.expectations, cleanUp]
  headline(print, 'Expected outcomes')
  for (const { what, isMet } of expectations) {
    print(`  ${isMet ? styled('green', '✓') : styled('red', '✗ MISSED:')} ${what}`)
  }
  return { expectations, results: played.results }
}

async function play(
  stage: Stage,
  workDir: string,
  { signal, print }: DemoOptions,
): Promise<DemoReport> {
  const { operator, workflowId } = stage
  const startedAt = Date.now()
  const seen = new SeenActions(workflowId)
  operator.tail((event) => {
    if (seen.take(event)) print(eventLine(event, Date.now() - startedAt))
  })
  await operator.flush()
  await stage.startOperator(signal)
  headline(print, 'What happens')
  print(`(here, a command that needs approval waits ${pendingSeconds} s)`)
  const agents = demoAgents.map((role) => stage.startAgent(role, workDir))
  const agentEndings = await endingsOf(agents, signal)
  await allTold(seen)

  const actions = [...seen.actions.values()]
  headline(print, 'Verdicts and results')
  for (const line of resultTable(actions)) print(line)
  const history = await operator.history({ workflow_id: workflowId, limit: 500 })
  const chain = await operator.verify()
  headline(print, 'The history')
  for (const line of historyTable(history.entries)) print(line)
  print(
    `audit chain: ${chain.intact ? 'intact' : 'BROKEN'}, ${chain.events} events, head ${chain.head}`,
  )
  for (const agent of agents.filter((_, at) => agentEndings[at] !== 0)) {
    print(styled('red', `${agent.name} did not end as planned:`))
    print(visible(agent.printed.trim(), { lines: true }))
  }
  return {
    results: actions.flatMap((action) => action.results),
    expectations: judge({
      seen: actions,
      history: history.entries,
      isChainIntact: chain.intact,
      agentEndings,
      scratch: stage.scratch,
    }),
  }
}

function endingsOf(
  agents: readonly DemoProcess[],
  signal: AbortSignal,
): Promise<(number | string)[]> {
  return waitFor(
    Promise.all(agents.map((agent) => agent.ended)),
    { timeoutMs: agentsMs, signal },
    () => new CentralPostError('unavailable', `the agents took over ${agentsMs / 1000} s`),
  )
}

/** The agents receive results on their own connections: this one may be a moment behind. */
async function allTold(seen: SeenActions): Promise<void> {
  const deadline = Date.now() + 2_000
  const isTold = (): boolean =>
    [...seen.actions.values()].every((action) => action.results.length > 0)
  while (!isTold() && Date.now() < deadline) await delay(20)
}

async function allGone(processIds: readonly number[]): Promise<boolean> {
  const deadline = Date.now() + goneMs
  while (processIds.some(isAlive)) {
    if (Date.now() > deadline) return false
    await delay(20)
  }
  return true
}

async function directoryAt(path: string): Promise<string> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isDirectory) return realpath(path)
  throw new CentralPostError(
    'not_found',
    `"${path}" is not a directory; name one with --path, or leave it out to use the current one`,
  )
}

function headline(print: DemoOptions['print'], text: string): void {
  print('')
  print(styled('bold', text))
}
