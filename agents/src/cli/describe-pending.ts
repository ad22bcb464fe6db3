import {
  type ApprovalNeeded,
  visibleCommand,
  visible,
  readableCommand,
  numberedLines,
  explainRisk,
} from '@centralpost/shared'
import { duration, type Style, styled } from '../terminal/terminal.ts'

/** A label and its text, made visible. Only a command has several lines, each with its number. */
export type Field = readonly [label: string, text: string]

/** Everything an approver should read before deciding, most important first. */
export function fieldsOf(asked: ApprovalNeeded): Field[] {
  const env = Object.entries(asked.env).map(([name, value]) => visible(`${name}=${value}`))
  const command = readableCommand(asked.command)
  const fields: Field[] = [
    ['hidden', command.alarm ?? ''],
    ['command', numberedLines(command).join('\n')],
    ['runs in', visible(asked.cwd)],
    ['venv', visible(asked.verdict.plan.venv ?? '')],
    ['with', env.join(' ')],
    ['sandbox', visible(asked.sandbox ?? '')],
    ...asked.verdict.reasons.map((reason): Field => ['needs review', visible(reason)]),
    ...partsOf(asked),
    ...(asked.not_bound ?? []).map((what): Field => ['not bound', visible(what)]),
    ['the same', toldOfSame(asked.same_pending ?? 0)],
    ['risk', visible(explainRisk(asked.risk))],
    ['asked because', visible(asked.context ?? '')],
    ['agent', visible(asked.agent_id)],
    ['workflow', visible(asked.workflow_id ?? '')],
    ['for at most', duration(asked.timeout)],
    ['trust', asked.trust_level],
    ...Object.entries(asked.bound)
      .filter(([name]) => name !== 'sandbox' && !name.startsWith('not bound'))
      .map(([name, value]): Field => [
        'binds',
        visible(`${name} ${value.length > 40 ? `${value.slice(0, 12)}…` : value}`),
      ]),
    ...asked.always.map(({ decision, rule, refused }): Field => [
      'or always',
      rule === null
        ? `${decision}: not offered: ${visible(refused ?? '')}`
        : `--decision ${decision} would allow ${visible(rule)}`,
    ]),
    [
      'approved by',
      asked.approvals_needed > 1
        ? `${asked.approvals.join(', ') || 'nobody yet'} (${asked.approvals_needed} must)`
        : '',
    ],
    ['expires in', duration(secondsLeft(asked))],
    ['action', visible(asked.action_id)],
    ['digest', asked.digest],
  ]
  return fields.filter(([, text]) => text !== '')
}

const lessWeighty: ReadonlySet<string> = new Set([
  'trust',
  'binds',
  'or always',
  'approved by',
  'expires in',
  'action',
  'digest',
])

/** Whether an approver must have seen this field. Such fields come first. */
export function weighs([label]: Field): boolean {
  return !lessWeighty.has(label)
}

/** The fields as aligned lines. */
export function describePending(asked: ApprovalNeeded): string[] {
  return fieldsOf(asked).flatMap(([label, text]) => {
    const style = label === 'command' ? 'bold' : label === 'hidden' ? alarmStyle : undefined
    return linesBehind(label, text, 14, style)
  })
}

export const alarmStyle: Style = ['red', 'bold']

/** A label with its text, one line below the other. */
export function linesBehind(label: string, text: string, width: number, style?: Style): string[] {
  return text
    .split('\n')
    .map(
      (line, index) =>
        `${(index === 0 ? label : '').padEnd(width)} ${style === undefined ? line : styled(style, line)}`,
    )
}

/** A command as labelled lines, with its warning if it has one. */
export function commandBehind(command: string, width: number): string[] {
  const readable = readableCommand(command)
  return [
    ...(readable.alarm === null ? [] : linesBehind('hidden', readable.alarm, width, alarmStyle)),
    ...linesBehind('command', numberedLines(readable).join('\n'), width),
  ]
}

function toldOfSame(count: number): string {
  return count === 0 ? '' : `${count} more identical ones wait; this approval covers only this one`
}

/** Seconds until the request expires. */
export function secondsLeft(asked: ApprovalNeeded, now = Date.now()): number {
  return Math.max(0, (Date.parse(asked.expires_at) - now) / 1000)
}

/**
 * The parts of a compound command, each with its own verdict: shows which part needs the approval.
 */
function partsOf(asked: ApprovalNeeded): Field[] {
  const { units } = asked.verdict
  return units.length < 2
    ? []
    : units.map((unit) => [
        'part',
        `${unit.level.padEnd(7)} ${visibleCommand(unit.text)}: ${visible(unit.reason)}`,
      ])
}
