import { resolve } from 'node:path'
import {
  type ActionResult,
  isCentralPostError,
  newActionId,
  visible,
  exitCodes,
  exitCodeOfResult,
} from '@centralpost/shared'
import type { Command } from 'commander'
import type { ActionAsked } from '../agent/action-asked.ts'
import type { Agent } from '../agent/agent.ts'
import type { RequestedAction } from '../agent/requested-action.ts'
import {
  type CommonOptions,
  traceOfEnvironment,
  withAgent,
  withCommonOptions,
} from './connection.ts'
import { collectPairs, seconds } from './option-values.ts'
import { passOn, print, printJson, say } from '../terminal/terminal.ts'
import { untilStopped } from '../terminal/stop-signal.ts'
import { describeEnding } from '../terminal/describe-ending.ts'

interface Options extends CommonOptions {
  readonly agent: string
  readonly workflow?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly timeout?: number
  readonly context?: string
  readonly actionId?: string
  readonly wait?: boolean
  readonly waitTimeout?: number
  readonly stream?: boolean
}

/** How long a person is kept waiting for the broker to take the request, in milliseconds. */
const storeMs = 10_000

/** After how long a wait without a result is explained, in milliseconds. */
const hintMs = 1_500

const details = `
One word after -- is the text of a command, as bash would read it; several words are a program and its
arguments, which no shell reads:
  centralpost request --wait -- 'git log --oneline | head'
  centralpost request --wait -- git log --oneline
With --wait, what the command printed goes to stdout and stderr, and the exit code says how it ended
(centralpost --help lists them). Without it, the action id is printed once the broker has the request.`

export function addRequestCommand(program: Command): void {
  const command = program
    .command('request')
    .description('ask for an action, as an agent does')
    .argument('<command...>', 'the command, after --')
    .option('--agent <agent>', 'the agent to be', 'cli')
    .option('--workflow <id>', 'the workflow the action belongs to')
    .option('--cwd <dir>', 'where the command runs (default: here)')
    .option('--env <name=value>', 'a variable for the command; may be repeated', collectPairs)
    .option('--timeout <seconds>', 'how long the command may run', seconds)
    .option('--context <text>', 'why, for the person who may have to approve it')
    .option('--action-id <id>', 'the idempotency key: the same id twice is one action')
    .option('--wait', 'wait for the result')
    .option('--wait-timeout <seconds>', 'how long to wait at most; implies --wait', seconds)
    .option('--stream', 'print output as it comes; implies --wait')
    .passThroughOptions()
    .addHelpText('after', details)
  withCommonOptions(command).action(request)
}

async function request(words: readonly string[], options: Options): Promise<void> {
  const actionId = options.actionId ?? newActionId()
  const isWaiting =
    options.wait === true || options.stream === true || options.waitTimeout !== undefined
  await withAgent(options.agent, options, async (agent) => {
    await untilStopped(async (signal) => {
      try {
        const action = await agent.requestAction(toAsked(words, options, actionId), {
          signal,
          timeoutMs: storeMs,
          trace: traceOfEnvironment(),
        })
        if (!isWaiting) {
          if (options.json) printJson({ action_id: actionId })
          else print(actionId)
          return
        }
        const hint = setTimeout(() => void sayWhatHoldsIt(agent, actionId), hintMs)
        const result = await settled(action, options, signal).finally(() => clearTimeout(hint))
        report(result, options)
        process.exitCode = exitCodeOfResult(result)
      } catch (error) {
        if (!signal.aborted) throw error
        say(
          `centralpost: stopped waiting; the action goes on: centralpost result ${actionId}, or centralpost cancel ${actionId}`,
        )
        process.exitCode = exitCodes.stopped
      }
    })
  })
}

function toAsked(words: readonly string[], options: Options, actionId: string): ActionAsked {
  const [only, ...others] = words
  return {
    actionId,
    agentType: 'cli',
    ...(others.length === 0 && only !== undefined ? { command: only } : { argv: words }),
    cwd: resolve(options.cwd ?? '.'),
    ...(options.env && { env: options.env }),
    ...(options.workflow !== undefined && { workflowId: options.workflow }),
    ...(options.timeout !== undefined && { timeoutSeconds: options.timeout }),
    ...(options.context !== undefined && { context: options.context }),
    ...(options.stream && { streamOutput: true }),
  }
}

/** Tells a person who waits for a while what the action itself waits for. */
async function sayWhatHoldsIt(agent: Agent, actionId: string): Promise<void> {
  try {
    const { state } = await agent.getAction(actionId)
    if (state === 'pending') {
      say(`centralpost: waits for an operator: centralpost approve ${actionId}`)
    }
  } catch (error) {
    if (!isCentralPostError(error) || error.code !== 'unavailable') return
    say('centralpost: no hub answers; the request is stored and is served when one is there')
  }
}

async function settled(
  action: RequestedAction,
  options: Options,
  signal: AbortSignal,
): Promise<ActionResult> {
  const wait = {
    signal,
    ...(options.waitTimeout !== undefined && { timeoutMs: options.waitTimeout * 1000 }),
  }
  if (!options.stream) return action.result(wait)
  const [result] = await Promise.all([action.result(wait), passOnLive(action, options)])
  return result
}

async function passOnLive(action: RequestedAction, options: Options): Promise<void> {
  let expected = 0
  for await (const chunk of action.output) {
    if (options.json) printJson(chunk)
    else {
      if (chunk.seq !== expected || chunk.skipped_bytes) say('centralpost: [output left out here]')
      passOn(chunk.stream, chunk.data)
    }
    expected = chunk.seq + 1
  }
}

function report(result: ActionResult, options: Options): void {
  if (options.json) {
    printJson(result)
    return
  }
  if (!options.stream) {
    passOn('stdout', result.stdout)
    passOn('stderr', result.stderr)
  }
  for (const warning of result.warnings) say(`centralpost: warning: ${visible(warning)}`)
  if (result.truncated) {
    say(
      `centralpost: not all of the output is shown: centralpost result ${result.action_id} --full`,
    )
  }
  if (result.status !== 'completed') say(`centralpost: ${describeEnding(result)}`)
}
