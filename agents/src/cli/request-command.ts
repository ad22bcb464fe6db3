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

/** How long to wait for the broker to store the request, in milliseconds. */
const storeMs = 10_000

/** A wait longer than this is explained on the terminal, in milliseconds. */
const hintMs = 1_500

const details = `
One word after -- is a command line for bash; several words are a program and its arguments, run without a shell:
  centralpost request --wait -- 'git log --oneline | head'
  centralpost request --wait -- git log --oneline
With --wait, the command's output goes to stdout and stderr, and the exit code tells the outcome
(centralpost --help lists them). Without --wait, the action id is printed once the broker has the request.`

export function addRequestCommand(program: Command): void {
  const command = program
    .command('request')
    .description('request an action, as an agent does')
    .argument('<command...>', 'the command, after --')
    .option('--agent <agent>', "the agent's name", 'cli')
    .option('--workflow <id>', 'the workflow of the action')
    .option('--cwd <dir>', 'working directory of the command (default: this one)')
    .option(
      '--env <name=value>',
      'an environment variable for the command; may be repeated',
      collectPairs,
    )
    .option('--timeout <seconds>', 'time limit of the command', seconds)
    .option('--context <text>', 'the purpose, for the operator who may have to approve it')
    .option('--action-id <id>', 'the idempotency key: the same id twice is one action')
    .option('--wait', 'wait for the result')
    .option('--wait-timeout <seconds>', 'maximal wait; implies --wait', seconds)
    .option('--stream', 'print output as it arrives; implies --wait')
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
          `centralpost: stopped waiting; the action continues: centralpost result ${actionId}, ` +
            `or centralpost cancel ${actionId}`,
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

/** Explains a long wait: tells the user what the action waits for. */
async function sayWhatHoldsIt(agent: Agent, actionId: string): Promise<void> {
  try {
    const { state } = await agent.getAction(actionId)
    if (state === 'pending') {
      say(`centralpost: waiting for approval: centralpost approve ${actionId}`)
    }
  } catch (error) {
    if (!isCentralPostError(error) || error.code !== 'unavailable') return
    say('centralpost: no hub answers; the request is stored, and the next hub serves it')
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
      if (chunk.seq !== expected || chunk.skipped_bytes) say('centralpost: [output omitted here]')
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
      `centralpost: the output shown is incomplete: centralpost result ${result.action_id} ` +
        '--full',
    )
  }
  if (result.status !== 'completed') say(`centralpost: ${describeEnding(result)}`)
}
