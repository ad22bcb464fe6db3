import type { Command } from 'commander'
import type { TailedEvent } from '../operator/tail.ts'
import { visible, visibleCommand } from '../visible.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { ending } from './request-command.ts'
import { stopped, untilStopped } from './stop-signal.ts'
import { duration, print, printJson, say, styled } from './terminal.ts'

interface Options extends OperatorOptions {
  readonly agent?: string
  readonly workflow?: string
}

export function addTailCommand(program: Command): void {
  const command = program
    .command('tail')
    .description('print what happens as it happens, until you stop it')
    .argument('[subject]', "a subject, wildcards allowed, such as 'SYSTEM_ACTION_RESULT.>'")
    .option('--agent <agent>', 'only of this agent')
    .option('--workflow <id>', 'only of this workflow')
  withOperatorOptions(command).action((subject: string | undefined, options: Options) =>
    withOperator(options, (operator) =>
      untilStopped(async (signal) => {
        const belongs = workflowFilter(options.workflow)
        const refusal = Promise.withResolvers<never>()
        const tail = operator.tail(
          (event) => {
            if (!belongs(event)) return
            if (options.json) printJson({ subject: event.subject, message: event.raw })
            else for (const line of describeEvent(event)) print(line)
          },
          {
            ...(options.agent !== undefined && { agentId: options.agent }),
            ...(subject !== undefined && { subject }),
            refused: refusal.reject,
          },
        )
        await operator.flush()
        say(`centralpost: listening at ${operator.server}`)
        await Promise.race([stopped(signal), refusal.promise])
        await tail.drain()
      }),
    ),
  )
}

/** Output names no workflow: its action is known from the messages before it. */
export function workflowFilter(workflowId: string | undefined): (event: TailedEvent) => boolean {
  const actions = new Set<string>()
  return (event) => {
    if (workflowId === undefined) return true
    const action = `${event.agentId}.${event.actionId}`
    const named = workflowOf(event.raw)
    if (named === workflowId && event.actionId !== '') actions.add(action)
    const belongs = named === workflowId || actions.has(action)
    if (event.kind === 'result') actions.delete(action)
    return belongs
  }
}

function workflowOf(raw: unknown): string | undefined {
  if (typeof raw !== 'object' || raw === null || !('workflow_id' in raw)) return undefined
  const { workflow_id: workflowId } = raw
  return typeof workflowId === 'string' || typeof workflowId === 'number'
    ? String(workflowId)
    : undefined
}

/** An event in lines for a person; nothing an agent or a command wrote can drive the terminal. */
export function describeEvent(event: TailedEvent): string[] {
  const line = (word: string, text: string): string => {
    const id = visible(event.actionId || fieldOf(event.raw, 'action_id') || '-')
    return `${visible(event.agentId)} ${styled('gray', id)} ${word} ${text}`
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
      return [line(styled(message.success ? 'green' : 'red', 'ended:'), ending(message) + took)]
    }
    case 'other':
      return [line(visible(event.subject), visible(JSON.stringify(event.raw)))]
  }
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
