import {
  type ActionResult,
  CentralPostError,
  outputStreams,
  visible,
  exitCodes,
} from '@centralpost/shared'
import type { Command } from 'commander'
import type { Operator } from '../operator/operator.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { commandBehind } from './describe-pending.ts'
import { type Advance, withProgress } from '../terminal/progress.ts'
import { duration, passOn, print, printJson, say } from '../terminal/terminal.ts'
import { describeEnding } from '../terminal/describe-ending.ts'

interface Options extends OperatorOptions {
  readonly agent?: string
  readonly full?: boolean
}

export function addResultCommand(program: Command): void {
  const command = program
    .command('result')
    .description('show the outcome of an action, or its state')
    .argument('<id>', 'the action id')
    .option('--agent <agent>', 'whose action, where two agents used the same id')
    .option('--full', 'print only the complete output of the command')
  withOperatorOptions(command).action((actionId: string, options: Options) =>
    withOperator(options, (operator) => show(operator, actionId, options)),
  )
}

async function show(operator: Operator, actionId: string, options: Options): Promise<void> {
  const reply = await operator.result(actionId, options.agent)
  if (options.full) {
    if (!reply.result) {
      throw new CentralPostError(
        'unavailable',
        `action "${actionId}" is ${reply.state}: no result yet`,
      )
    }
    const { result } = reply
    // on a terminal the output itself shows progress
    if (process.stdout.isTTY) await printAll(operator, result)
    else await withProgress('getting the output', (far) => printAll(operator, result, far))
    return
  }
  if (options.json) printJson(reply.result ?? reply)
  else if (reply.result) printResult(reply.result)
  else print(`${visible(actionId)} of ${reply.agent_id} is ${reply.state}; it has no result yet`)
  if (!reply.result) process.exitCode = exitCodes.unavailable
}

function printResult(result: ActionResult): void {
  const fields: [string, string | null][] = [
    ['action', result.action_id],
    ['agent', result.agent_id],
    ['workflow', result.workflow_id],
    ['command', result.command],
    ['ran in', result.cwd],
    ['trust', result.trust_level],
    ['sandbox', sandboxOf(result)],
    ['approved by', result.approved_by],
    ['ended', describeEnding(result)],
    ['took', result.duration === null ? null : duration(result.duration)],
    ['finished at', result.finished_at],
  ]
  for (const [name, value] of fields) {
    if (value === null) continue
    if (name === 'command') for (const line of commandBehind(value, 12)) print(line)
    else print(`${name.padEnd(12)} ${visible(value)}`)
  }
  for (const warning of result.warnings) print(`${'warning'.padEnd(12)} ${visible(warning)}`)
  for (const stream of outputStreams) {
    const text = result[stream]
    if (text === '') continue
    print(`${stream}:`)
    passOn('stdout', text.endsWith('\n') ? text : `${text}\n`)
  }
  if (result.truncated) say('centralpost: the output shown is incomplete: --full prints all of it')
}

function sandboxOf({ sandbox }: ActionResult): string | null {
  if (!sandbox) return null
  return sandbox.reason === null ? sandbox.profile : `${sandbox.profile} (${sandbox.reason})`
}

async function printAll(
  operator: Operator,
  result: ActionResult,
  advance: Advance = () => {},
): Promise<void> {
  for (const stream of outputStreams) {
    if (!result.truncated || result.output_ref === null) {
      passOn(stream, result[stream])
      continue
    }
    for (let offset = 0, eof = false; !eof;) {
      const page = await operator.output(result.action_id, {
        agent_id: result.agent_id,
        stream,
        offset,
      })
      passOn(stream, page.data)
      advance(`${stream} ${percent(page.next_offset, page.total)}`)
      eof = page.eof || page.next_offset === offset
      offset = page.next_offset
    }
  }
}

const percent = (done: number, total: number): string =>
  `${total === 0 ? 100 : Math.floor((done / total) * 100)} %`
