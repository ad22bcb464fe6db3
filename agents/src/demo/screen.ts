import { type ActionResult, type HistoryEntry, shorten, visible } from '@centralpost/shared'
import { duration, styled, table } from '../terminal/terminal.ts'
import type { TailedEvent } from '../operator/tail.ts'
import type { SeenAction } from './seen-actions.ts'
import { describeEnding } from '../terminal/describe-ending.ts'

/** An event of the demo as one line: when, who, what. */
export function eventLine(event: TailedEvent, sinceStartMs: number): string {
  const when = `${(sinceStartMs / 1000).toFixed(2)} s`.padStart(8)
  return `${when}  ${event.agentId.padEnd(8)}  ${whatHappened(event)}`
}

function whatHappened(event: TailedEvent): string {
  switch (event.kind) {
    case 'request':
      return `${word('cyan', 'asks')} ${visible(commandOf(event.raw))}`
    case 'approval_needed': {
      const { command, risk } = event.message
      return `${word('yellow', 'REVIEW')} ${visible(command)} waits for approval (risk ${risk.level})`
    }
    case 'denied': {
      const { command, denied_by: by, reason, trust_level: level } = event.message
      const who = by === 'policy' ? level : `denied by ${by}`
      return `${word('red', 'refused')} ${visible(`${command}: ${who}: ${reason}`)}`
    }
    case 'start': {
      const { command, approved_by: by } = event.message
      const cleared = by === 'auto' || by === null ? event.message.trust_level : `approved by ${by}`
      return `${word('blue', 'runs')} ${visible(command)} (${cleared})`
    }
    case 'result': {
      const { message } = event
      const first = message.stdout.split('\n').find((line) => line.trim() !== '')
      const taste = first === undefined ? '' : styled('gray', `  | ${visible(shorten(first, 59))}`)
      const colour = message.success ? 'green' : 'red'
      // the reason for a denial is on the line before
      const how = message.status === 'denied' ? 'denied' : describeEnding(message)
      return `${word(colour, 'result')} ${shorten(visible(message.command), 39)}: ${how}${taste}`
    }
    case 'approved':
    case 'output':
    case 'rule':
    case 'other':
      return word('gray', event.kind)
  }
}

/** All results, in the order of their requests. */
export function resultTable(seen: readonly SeenAction[]): string[] {
  const results = seen
    .flatMap((action) => action.results)
    .toSorted((a, b) => (a.requested_at < b.requested_at ? -1 : 1))
  const heads = ['AGENT', 'TRUST', 'RESULT', 'CLEARED BY', 'EXIT', 'TOOK', 'COMMAND']
  return table(heads, results.map(resultRow))
}

function resultRow(result: ActionResult): string[] {
  return [
    result.agent_id,
    result.trust_level ?? '-',
    result.status,
    result.approved_by ?? '-',
    result.exit_code === null ? '-' : String(result.exit_code),
    result.duration === null ? '-' : duration(result.duration),
    shorten(visible(result.command), 71),
  ]
}

/** The history's counts, by agent and status. */
export function historyTable(entries: readonly HistoryEntry[]): string[] {
  const statuses = [...new Set(entries.map((entry) => entry.status))].toSorted(compare)
  const agents = [...new Set(entries.map((entry) => entry.agent_id))].toSorted(compare)
  const countOf = (agentId: string, status: string): string =>
    String(entries.filter((entry) => entry.agent_id === agentId && entry.status === status).length)
  return table(
    ['AGENT', ...statuses.map((status) => status.toUpperCase())],
    agents.map((agentId) => [agentId, ...statuses.map((status) => countOf(agentId, status))]),
  )
}

const compare = (a: string, b: string): number => a.localeCompare(b)

const word = (style: Parameters<typeof styled>[0], text: string): string =>
  styled(style, text.padEnd(7))

function commandOf(raw: unknown): string {
  if (typeof raw !== 'object' || raw === null) return ''
  if ('command' in raw && typeof raw.command === 'string') return raw.command
  return 'argv' in raw && Array.isArray(raw.argv) ? raw.argv.map(String).join(' ') : ''
}
