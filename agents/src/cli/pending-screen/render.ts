import {
  alwaysDecisions,
  type ApprovalNeeded,
  type RiskLevel,
  visibleCommand,
  visible,
  readableCommand,
  numberedLines,
} from '@centralpost/shared'
import { pendingKeyOf } from '../../operator/pending-watch.ts'
import { alarmStyle, type Field, fieldsOf, secondsLeft, weighs } from '../describe-pending.ts'
import { duration, type Style, styled } from '../../terminal/terminal.ts'
import { cut, padded, widthOf, wrapped } from './fit-text.ts'
import type { ScreenView } from './keys.ts'
import { type ScreenState, selectedOf } from './screen-state.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** A drawn screen: one row per terminal row, none too wide, and the layout that keys need. */
export interface Drawn {
  readonly rows: readonly string[]
  readonly view: ScreenView
}

const riskStyles: Readonly<Record<RiskLevel, Style>> = {
  low: 'green',
  medium: 'yellow',
  high: ['red', 'bold'],
}
const noView: ScreenView = { isWhole: true, page: 1, lastFrom: 0 }
const wideFrom = 60
const plain = (lines: readonly string[]): Drawn => ({ rows: lines, view: noView })

/**
 * Draws the screen. The text of agents is made visible; rows contain no control sequences but
 * colours.
 */
export function render(state: ScreenState, size: Size, now: number): Drawn {
  const { columns, rows } = size
  const head = headOf(state, columns)
  const foot = footOf(state, columns)
  const notices = state.notices
    .slice(rows < 16 ? -1 : -3)
    .map((notice) => styled('dim', cut(notice, columns)))
  const room = Math.max(0, rows - 1 - foot.length - notices.length)
  const body = bodyOf(state, { columns, rows: room }, now)
  const filled = body.rows.slice(0, room)
  while (filled.length < room) filled.push('')
  return { rows: [head, ...filled, ...notices, ...foot].slice(0, rows), view: body.view }
}

function bodyOf(state: ScreenState, size: Size, now: number): Drawn {
  const { mode } = state
  switch (mode.kind) {
    case 'list':
      return listAndDetail(state, size, now)
    case 'help':
      return plain(help.flatMap((line) => wrapped(line, size.columns, 11)))
    case 'full': {
      const lines = detailOf(mode.asked, size.columns)
      const lastFrom = Math.max(0, lines.length - size.rows)
      const from = Math.min(mode.from, lastFrom)
      const page = Math.max(1, size.rows - 1)
      return { rows: lines.slice(from, from + size.rows), view: { isWhole: true, page, lastFrom } }
    }
    case 'deny':
      return plain([
        ...shortOf(mode.asked, size.columns),
        '',
        ...wrapped(`deny, reason: ${visible(mode.reason)}▏`, size.columns),
        '',
        ...wrapped('The reason reaches the agent. A denial cannot be undone.', size.columns),
      ])
    case 'always':
      return plain([
        ...shortOf(mode.asked, size.columns),
        '',
        ...wrapped('Approve, and always allow from now on:', size.columns),
        ...alwaysDecisions.flatMap((decision, at) => {
          const offered = mode.asked.always.find((one) => one.decision === decision)
          const rule = offered?.rule
          const text =
            rule == null
              ? `not offered: ${visible(offered?.refused ?? 'by this hub')}`
              : visible(rule)
          const lines = wrapped(`${at + 1}  ${text}`, size.columns, 3)
          return rule == null ? lines.map((line) => styled('dim', line)) : lines
        }),
      ])
    case 'confirm': {
      const { asked, decision } = mode
      const why =
        decision.rule === null
          ? 'High risk. Run it anyway?'
          : `Approve, and always allow from now on: ${visible(decision.rule)}`
      return plain([
        ...shortOf(asked, size.columns),
        '',
        ...wrapped(why, size.columns),
        '',
        'y yes   n no',
      ])
    }
  }
}

function listAndDetail(state: ScreenState, size: Size, now: number): Drawn {
  const asked = selectedOf(state)
  if (asked === undefined) {
    const empty = ['', 'Nothing waits for approval. New requests appear here.']
    return { rows: empty.flatMap((line) => wrapped(line, size.columns)), view: noView }
  }
  const most = Math.max(1, Math.min(state.pending.length, Math.floor(size.rows / 3)))
  const at = state.pending.indexOf(asked)
  const from = Math.min(
    Math.max(0, at - Math.floor(most / 2)),
    Math.max(0, state.pending.length - most),
  )
  const list = state.pending
    .slice(from, from + most)
    .map((one) => rowOf(one, { state, isSelected: one === asked, columns: size.columns, now }))
  const rule = styled('dim', '─'.repeat(size.columns))
  const detail = detailOf(asked, size.columns)
  const room = Math.max(0, size.rows - list.length - 1)
  const fits = detail.length <= room
  const weighty = detailOf(asked, size.columns, weighs).length
  const isWhole = fits || weighty < room
  const shown = fits
    ? detail
    : [
        ...detail.slice(0, Math.max(0, room - 1)),
        styled('yellow', cut('… more: enter shows everything', size.columns)),
      ]
  return { rows: [...list, rule, ...shown], view: { ...noView, isWhole } }
}

function rowOf(
  asked: ApprovalNeeded,
  row: { state: ScreenState; isSelected: boolean; columns: number; now: number },
): string {
  const { state, isSelected, columns, now } = row
  const mark = state.deciding.has(pendingKeyOf(asked)) ? '~' : isSelected ? '>' : ' '
  const left = clock(secondsLeft(asked, now))
  const risk = asked.risk.level
  const agent = columns < wideFrom ? '' : `${padded(visible(asked.agent_id), 14)} `
  const start = `${mark} ${left} `
  const middle = columns < wideFrom ? (risk[0] ?? '').toUpperCase() : risk.padEnd(6)
  const room = columns - widthOf(start) - middle.length - 1 - widthOf(agent)
  // a character may be spelled out eightfold; text far beyond the row is cut before
  const command = cut(visibleCommand(asked.command.slice(0, columns * 8)), room)
  const text = `${agent}${command}`
  return `${start}${styled(riskStyles[risk], middle)} ${isSelected ? styled('bold', text) : text}`
}

/** All fields of an action, in rows. */
function detailOf(
  asked: ApprovalNeeded,
  columns: number,
  isWanted: (field: Field) => boolean = () => true,
): string[] {
  const isWide = columns >= wideFrom
  return fieldsOf(asked)
    .filter((field) => field[0] !== 'expires in' && isWanted(field))
    .flatMap(([label, text]) => {
      const width = isWide ? 14 : label.length + 1
      const lines = text
        .split('\n')
        .flatMap((line) => wrapped(line, columns - width - 1, gutterOf(line)))
        .map((line, at) => [at === 0 ? label : '', line] as const)
      return lines.map(
        ([name, line]) => `${styled('dim', name.padEnd(width))} ${emphasised(label, line, asked)}`,
      )
    })
}

/** The indentation of a numbered command line's continuation rows, in columns. */
const gutterOf = (line: string): number => /^ *\d+│ /.exec(line)?.[0].length ?? 0

function emphasised(label: string, text: string, asked: ApprovalNeeded): string {
  if (label === 'command') return styled('bold', text)
  if (label === 'hidden') return styled(alarmStyle, text)
  if (label === 'risk') return styled(riskStyles[asked.risk.level], text)
  if (label === 'part' && text.startsWith('REVIEW')) return styled('yellow', text)
  return text
}

function shortOf(asked: ApprovalNeeded, columns: number): string[] {
  const command = readableCommand(asked.command)
  return [
    ...wrapped(`${visible(asked.agent_id)} asks to run (${asked.risk.level} risk):`, columns),
    ...(command.alarm === null
      ? []
      : wrapped(command.alarm, columns).map((line) => styled(alarmStyle, line))),
    ...numberedLines(command)
      .flatMap((line) => wrapped(line, columns, gutterOf(line)))
      .map((line) => styled('bold', line)),
  ]
}

function headOf(state: ScreenState, columns: number): string {
  const { length } = state.pending
  const what = length === 0 ? 'nothing waits' : `${length} waiting`
  const where = state.isUpToDate ? '' : '· NO HUB: this list may be stale'
  const text = padded(` ${what} · ${state.operator}${where}`, columns)
  return styled(state.isUpToDate ? 'inverse' : ['inverse', 'red'], text)
}

function footOf(state: ScreenState, columns: number): string[] {
  const keys: Readonly<Record<ScreenState['mode']['kind'], string>> = {
    list:
      columns < wideFrom
        ? 'a A d ↵ ? q'
        : 'a approve  A always  d deny  enter everything  j/k move  ? help  q quit',
    full:
      columns < wideFrom
        ? 'j/k a A d q'
        : 'j/k space b scroll  a approve  A always  d deny  q back',
    deny: 'enter deny  esc back',
    always: '1 2 3 choose  esc back',
    confirm: 'y yes  n no',
    help: 'any key: back',
  }
  return [styled('dim', cut(keys[state.mode.kind], columns))]
}

/** Minutes and seconds left. */
function clock(seconds: number): string {
  if (seconds >= 5999) return padded(duration(seconds), 5)
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`.padStart(5)
}

const help = [
  '',
  'j k        next, previous (also the arrow keys; g and G: first and last)',
  'a          approve once: it runs exactly as shown, or not at all',
  'A          approve, and make an always rule for it; the rule is shown first',
  'd          deny, with a reason for the agent',
  'enter      show all fields',
  'q          quit; waiting actions keep waiting',
  '',
  'Invisible characters are spelled out, as \\u{200b}. A decision cannot be undone;',
  'to end a running action: centralpost cancel ID',
  'Arrivals, expiries and decisions of other operators appear immediately.',
]
