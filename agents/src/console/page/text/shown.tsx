import type { TrustLevel, UnitVerdict } from '@centralpost/shared'
import {
  type CommandPiece,
  nameOf,
  readableCommand,
  type ReadableCommand,
} from '@centralpost/shared/command-lines'
import { visible } from '@centralpost/shared/visible'
import type { ComponentChildren } from 'preact'
import { type LevelSpan, levelSpans } from '../../wire/level-spans.ts'

/** This many spaces in a row push the rest out of sight. */
const padding = / {8,}/

/**
 * Text of an agent: invisible characters are spelled out and marked. `lines` keeps line feeds and
 * tabs, for prose and output.
 */
export function Shown({
  text,
  lines = false,
}: {
  readonly text: string
  readonly lines?: boolean
}) {
  return <>{pieces(text, lines)}</>
}

/** A command within a list or a sentence: line breaks become faint signs. */
export function ShownCommand({
  command,
  units = [],
}: {
  readonly command: string
  readonly units?: readonly UnitVerdict[]
}) {
  const { lines } = readableCommand(command)
  const spans = spansOf(command, units)
  return (
    <code class="command">
      {lines.map(({ pieces: ofLine }, index) => (
        <>
          {index > 0 && <span class="faint"> ↵ </span>}
          {ofLine.map((piece) => drawn(piece, spans))}
        </>
      ))}
    </code>
  )
}

/**
 * A command to be read in full, line by line, each part in the colour of its verdict. Several lines
 * are numbered. `data-read` marks its beginning and end: see `watchReading`.
 */
export function CommandLines({
  command: { lines },
  spans,
}: {
  readonly command: ReadableCommand
  readonly spans: readonly LevelSpan[]
}) {
  const isNumbered = lines.length > 1
  return (
    <code class={isNumbered ? 'command numbered' : 'command'}>
      {lines.map(({ number, pieces: ofLine }, index) => (
        <span class="line" data-line={isNumbered ? number : undefined}>
          <span>
            {index === 0 && <span data-read="begin" />}
            {ofLine.map((piece) => drawn(piece, spans))}
            {index === lines.length - 1 && <span data-read="end" />}
          </span>
        </span>
      ))}
    </code>
  )
}

/** The positions of a command's judged parts. */
export function spansOf(command: string, units: readonly UnitVerdict[]): readonly LevelSpan[] {
  return units.length === 0 ? [] : levelSpans(command, units)
}

export const levelClass = (level: TrustLevel): string => `part ${level.toLowerCase()}`

/** A piece in the colours of its parts. */
function drawn(piece: CommandPiece, spans: readonly LevelSpan[]): ComponentChildren {
  const { kind, text, from, to, name } = piece
  if (kind === 'alarm') {
    return (
      <span class="unseen" title={name}>
        {text}
      </span>
    )
  }
  if (kind === 'faint') return <span class="faint">{text}</span>
  if (spans.length === 0) return text
  return spans
    .filter((span) => span.from < to && span.to > from)
    .map(({ from: begin, to: end, level, reason }) => (
      <span class={level === null ? undefined : levelClass(level)} title={reason ?? undefined}>
        {text.slice(Math.max(0, begin - from), end - from)}
      </span>
    ))
}

function pieces(text: string, lines: boolean): ComponentChildren[] {
  const found: ComponentChildren[] = []
  let plain = ''
  const flush = (): void => {
    if (plain !== '') found.push(...spaced(plain, lines))
    plain = ''
  }
  for (const character of text) {
    const spelled = visible(character, { lines })
    if (spelled === character) {
      plain += character
      continue
    }
    flush()
    found.push(
      <span class="unseen" title={nameOf(character)}>
        {spelled}
      </span>,
    )
    if (character === '\n') found.push(<br />)
  }
  flush()
  return found
}

function spaced(text: string, lines: boolean): ComponentChildren[] {
  const match = lines ? null : padding.exec(text)
  if (match === null) return [text]
  const after = match.index + match[0].length
  return [
    text.slice(0, match.index),
    <span class="unseen" title="a long run of spaces">{` ⟨${match[0].length} spaces⟩ `}</span>,
    ...spaced(text.slice(after), lines),
  ]
}
