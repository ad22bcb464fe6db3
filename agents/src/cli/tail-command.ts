import {
  agentEventSubjects,
  CentralPostError,
  requestSubject,
  resultStatuses,
  ruleChangedSubject,
  visibleCommand,
  visible,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import type { Operator } from '../operator/operator.ts'
import type { TailedEvent } from '../operator/tail.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { levelOption } from './option-values.ts'
import { stopped, untilStopped } from '../terminal/stop-signal.ts'
import { tailFilter, type TailWanted } from './tail-filter.ts'
import { duration, print, printJson, say, styled } from '../terminal/terminal.ts'
import { describeEnding } from '../terminal/describe-ending.ts'

interface Options extends OperatorOptions, TailWanted {
  readonly agent?: string
}

const details = `
Each line shows time, agent and action, in colour on a terminal unless NO_COLOR is set. Always rules made and
revoked are shown too. If the broker restarts, tail reconnects; events missed meanwhile are in the history.
With a stock client:
  nats sub 'SYSTEM_ACTION_RESULT.>'     (docs/nats-clients.md explains an operator's credentials there)`

export function addTailCommand(program: Command): void {
  const command = program
    .command('tail')
    .description('print events as they happen, until you stop it')
    .argument('[subject]', "a subject, wildcards allowed, such as 'SYSTEM_ACTION_RESULT.>'")
    .option('--agent <agent>', 'only of this agent')
    .option('--workflow <id>', 'only of this workflow')
    .addOption(levelOption())
    .addOption(
      new Option('--status <status>', 'only results, and only with this status').choices(
        resultStatuses,
      ),
    )
    .addHelpText('after', details)
  withOperatorOptions(command).action((subject: string | undefined, options: Options) =>
    withOperator(options, (operator) =>
      untilStopped((signal) => follow(operator, subject, options, signal)),
    ),
  )
}

async function follow(
  operator: Operator,
  subject: string | undefined,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const isWanted = tailFilter(options)
  const refusal = Promise.withResolvers<never>()
  const tail = operator.tail(
    (event) => {
      if (!isWanted(event)) return
      if (options.json) printJson({ subject: event.subject, message: event.raw })
      else for (const line of describeEvent(event)) print(`${timeNow()} ${line}`)
    },
    {
      ...(options.agent !== undefined && { agentId: options.agent }),
      ...(subject !== undefined && { subject }),
      refused: (error) => refusal.reject(withSubjects(error)),
    },
  )
  const stops = [
    operator.onDisconnect(() => say('centralpost: the broker is away; reconnecting')),
    operator.onReconnect(() =>
      say(
        `centralpost: listening again at ${operator.server}; events missed meanwhile are in: ` +
          'centralpost history',
      ),
    ),
  ]
  await operator.flush()
  say(`centralpost: listening at ${operator.server}`)
  try {
    await Promise.race([stopped(signal), refusal.promise])
  } finally {
    for (const stop of stops) stop()
    await tail.drain()
  }
}

function withSubjects(error: CentralPostError): CentralPostError {
  const heard = [
    requestSubject('*'),
    ...agentEventSubjects.map((kind) => `${kind}.>`),
    ruleChangedSubject,
  ]
  return new CentralPostError(
    error.code,
    `${error.message}; an operator may subscribe to ${heard.join(', ')}`,
    { cause: error },
  )
}

const timeNow = (): string => styled('gray', new Date().toTimeString().slice(0, 8))

/** An event as lines of text. Control characters of agents and commands are made visible. */
export function describeEvent(event: TailedEvent): string[] {
  const line = (word: string, text: string): string => {
    const id = visible(event.actionId || fieldOf(event.raw, 'action_id') || '-')
    return `${styled(hueOf(event.agentId), visible(event.agentId))} ${styled('gray', id)} ${word} ${text}`
  }
  switch (event.kind) {
    case 'request':
      return [line(styled('cyan', 'asks'), visibleCommand(commandOf(event.raw)))]
    case 'approval_needed': {
      const { command, risk } = event.message
      return [
        line(
          styled('yellow', 'waits for approval'),
          `(risk ${risk.level}) ${visibleCommand(command)}`,
        ),
      ]
    }
    case 'approved': {
      const { approved_by: by, approvals, approvals_needed: needed, cleared } = event.message
      const count = cleared ? '' : ` (${approvals.length} of ${needed})`
      return [line(styled('green', 'approved'), `by ${visible(by)}${count}`)]
    }
    case 'denied': {
      const { denied_by: by, reason, command } = event.message
      return [
        line(
          styled('red', 'denied'),
          `by ${visible(by)}: ${visibleCommand(command)}: ${visible(reason)}`,
        ),
      ]
    }
    case 'start':
      return [line(styled('green', 'runs'), visibleCommand(event.message.command))]
    case 'output': {
      const { stream, data } = event.message
      const mark = stream === 'stdout' ? '|' : styled('red', '!')
      return linesOf(data).map((text) => line(mark, visible(text)))
    }
    case 'result': {
      const { message } = event
      const took = message.duration === null ? '' : ` after ${duration(message.duration)}`
      return [
        line(styled(message.success ? 'green' : 'red', 'ended:'), describeEnding(message) + took),
      ]
    }
    case 'rule': {
      const {
        change,
        rule_id: id,
        description,
        created_by: maker,
        revoked_by: ender,
      } = event.message
      const isMade = change === 'made'
      const how = `rule ${change} by ${visible((isMade ? maker : ender) ?? 'somebody')}`
      const whose = event.agentId === '' ? 'every agent' : event.agentId
      return [
        `${styled(hueOf(whose), visible(whose))} ${styled('gray', visible(id))} ${styled(isMade ? 'green' : 'red', how)}: ${visible(description)}`,
      ]
    }
    case 'other':
      return [line(visible(event.subject), visible(JSON.stringify(event.raw)))]
  }
}

const hues = ['cyan', 'magenta', 'blue', 'greenBright', 'yellowBright', 'magentaBright'] as const

/** A fixed colour for each agent. */
function hueOf(agentId: string): (typeof hues)[number] {
  let sum = 0
  for (const character of agentId) sum += character.codePointAt(0) ?? 0
  return hues[sum % hues.length] ?? 'cyan'
}

function linesOf(data: string): string[] {
  const lines = data.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function commandOf(raw: unknown): string {
  return fieldOf(raw, 'command') ?? fieldOf(raw, 'argv') ?? JSON.stringify(raw)
}

function fieldOf(raw: unknown, name: string): string | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const value: unknown = (raw as Record<string, unknown>)[name]
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.map(String).join(' ') : undefined
}
