import type { TrustLevel, UnitVerdict } from '@centralpost/shared'
import { visible } from '@centralpost/shared/visible'
import type { ComponentChildren } from 'preact'
import { levelSpans } from '../../level-spans.ts'

const names: Readonly<Record<string, string>> = {
  '\u200b': 'zero width space',
  '\u200d': 'zero width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'pop directional formatting',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2069': 'pop directional isolate',
  '\u00a0': 'no-break space',
  '\ufeff': 'byte order mark',
  '\u001b': 'escape',
  '\n': 'line feed',
  '\r': 'carriage return',
  '\t': 'tab',
}

/** So many spaces in a row push what follows out of sight. */
const padding = / {8,}/

/**
 * Text of an agent or a command: what cannot be seen is spelled out and marked. `lines` keeps line feeds and tabs as they are,
 * for prose and output; in a command every one of them counts.
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

/** A command in which each part has the colour of its verdict. */
export function ShownCommand({
  command,
  units,
}: {
  readonly command: string
  readonly units?: readonly UnitVerdict[]
}) {
  if (units === undefined) return <code class="command">{pieces(command, false)}</code>
  return (
    <code class="command">
      {levelSpans(command, units).map(({ text, level, reason }) => (
        <span class={level === null ? undefined : levelClass(level)} title={reason ?? undefined}>
          {pieces(text, false)}
        </span>
      ))}
    </code>
  )
}

export const levelClass = (level: TrustLevel): string => `part ${level.toLowerCase()}`

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

function nameOf(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  const name = names[character]
  return name === undefined ? code : `${code} ${name}`
}
