import { lookAlike, spelled, unseenCharacter, visible } from './visible.ts'

/**
 * How a piece of a command is shown: plain, faint (ordinary blanks), or alarming, because it could
 * hide or reorder the text around it.
 */
export type PieceKind = 'plain' | 'faint' | 'alarm'

export interface CommandPiece {
  readonly kind: PieceKind
  /** the visible text */
  readonly text: string
  /** the characters of the command that it stands for */
  readonly from: number
  readonly to: number
  /** the alarm's subject, such as `U+202E right-to-left override` */
  readonly name?: string
}

export interface CommandLine {
  /** from 1; collapsed empty lines have the number of the first */
  readonly number: number
  readonly pieces: readonly CommandPiece[]
}

/** A command prepared for reading, line by line, with its invisible characters. */
export interface ReadableCommand {
  readonly lines: readonly CommandLine[]
  /** a one-sentence warning about invisible characters, or null */
  readonly alarm: string | null
}

/** Runs of at least this many blanks are counted instead of drawn. */
const counted = 8
/** This many blanks within or before a line push text out of sight on some screen. */
const pushing = 20
const pushingIndent = 40
/** Runs of at least this many empty lines are collapsed: an empty page looks like the end. */
const mostEmpty = 4
const mostListed = 4
const tabColumns = 8
const lookAlikeName = ' letter that only looks Latin'

/**
 * Splits a command into lines and says how to show each piece. Line feeds are line breaks and
 * indentation is indentation. Other invisible characters are spelled out, and counted in `alarm`.
 * Nothing is left out.
 */
export function readableCommand(command: string): ReadableCommand {
  const hidden: string[] = []
  const strange: string[] = []
  const gaps: string[] = []
  const lines: CommandLine[] = []
  const texts = command.split('\n')
  if (texts.length > 1 && texts.at(-1) === '') texts.pop()
  const at = (number: number): string => (texts.length === 1 ? '' : ` at line ${number}`)
  let from = 0
  for (let index = 0; index < texts.length; index += 1) {
    const number = index + 1
    const empty = emptyFrom(texts, index)
    if (empty > mostEmpty) {
      const to = from + texts.slice(index, index + empty).join('\n').length
      const name = `${empty} empty lines`
      lines.push({ number, pieces: [{ kind: 'alarm', text: `⟨${name}⟩`, from, to, name }] })
      gaps.push(name + at(number))
      index += empty - 1
      from = to + 1
      continue
    }
    const text = texts[index] ?? ''
    const pieces = piecesOf(text, from)
    for (const { kind, name = '' } of pieces) {
      if (kind !== 'alarm') continue
      if (name.endsWith(lookAlikeName)) strange.push((name.split(' ')[0] ?? '') + at(number))
      else if (name.startsWith('U+')) hidden.push((name.split(' ')[0] ?? '') + at(number))
      else gaps.push(name + at(number))
    }
    lines.push({ number, pieces })
    from += text.length + 1
  }
  const said = [
    sentence(hidden, 'hidden character', 'hidden characters'),
    sentence(strange, 'letter that only looks Latin', 'letters that only look Latin'),
    sentence(gaps, 'gap that pushes text out of sight', 'gaps that push text out of sight'),
  ].filter((part) => part !== '')
  return { lines, alarm: said.length === 0 ? null : said.join('; ') }
}

/**
 * The lines as text, numbered if there are several: no line of a command can pass for a line of its
 * description.
 */
export function numberedLines({ lines }: ReadableCommand): string[] {
  const texts = lines.map(({ pieces }) => pieces.map(({ text }) => text).join(''))
  if (texts.length === 1) return texts
  const width = String(lines.at(-1)?.number ?? 1).length
  return texts.map((text, index) => `${String(lines[index]?.number).padStart(width)}│ ${text}`)
}

function sentence(found: readonly string[], one: string, many: string): string {
  if (found.length === 0) return ''
  const rest = found.length - mostListed
  const listed = found.slice(0, mostListed).join(', ')
  return `${found.length} ${found.length === 1 ? one : many}: ${listed}${rest > 0 ? ` and ${rest} more` : ''}`
}

function emptyFrom(texts: readonly string[], first: number): number {
  let end = first
  while (end < texts.length && /^[ \t]*$/.test(texts[end] ?? '')) end += 1
  return end - first
}

const runs = /[ \t]+/g

/** The pieces of one line. */
function piecesOf(line: string, offset: number): CommandPiece[] {
  const pieces: CommandPiece[] = []
  let end = 0
  for (const run of line.matchAll(runs)) {
    const shown = blanks(run[0], run.index === 0, run.index + run[0].length === line.length)
    if (shown === null) continue
    pieces.push(...lettersOf(line.slice(end, run.index), offset + end))
    end = run.index + run[0].length
    pieces.push({ ...shown, from: offset + run.index, to: offset + end })
  }
  return [...pieces, ...lettersOf(line.slice(end), offset + end)]
}

/** How to show a run of blanks; null where it is ordinary text. */
function blanks(
  run: string,
  isIndent: boolean,
  isLast: boolean,
): Pick<CommandPiece, 'kind' | 'text' | 'name'> | null {
  const width = run.replaceAll('\t', ' '.repeat(tabColumns)).length
  const name = `${run.length} ${run.includes('\t') ? 'blanks' : 'spaces'}`
  const mark = `⟨${name}⟩`
  if (isIndent && !isLast) {
    if (width > pushingIndent) return { kind: 'alarm', text: `${mark} `, name }
    return { kind: 'faint', text: run.replaceAll('\t', ' '.repeat(tabColumns)) }
  }
  if (width >= pushing && !isLast) return { kind: 'alarm', text: ` ${mark} `, name }
  if (width >= counted && (isLast || !run.includes('\t'))) {
    return { kind: 'faint', text: isLast ? ` ${mark}` : ` ${mark} `, name }
  }
  return run.includes('\t') ? { kind: 'faint', text: run.replaceAll('\t', '→ ') } : null
}

function lettersOf(text: string, offset: number): CommandPiece[] {
  const pieces: CommandPiece[] = []
  let end = 0
  const plain = (to: number): void => {
    if (to > end) {
      pieces.push({
        kind: 'plain',
        text: text.slice(end, to),
        from: offset + end,
        to: offset + to,
      })
    }
  }
  const marked = [...text.matchAll(unseenCharacter), ...text.matchAll(lookAlike)]
  for (const match of marked.toSorted((one, other) => one.index - other.index)) {
    plain(match.index)
    const [character] = match
    const isLetter = match[0].search(unseenCharacter) < 0
    end = match.index + character.length
    pieces.push({
      kind: 'alarm',
      text: isLetter ? spelled(character) : visible(character),
      from: offset + match.index,
      to: offset + end,
      name: isLetter ? `${nameOf(character)}${lookAlikeName}` : nameOf(character),
    })
  }
  plain(text.length)
  return pieces
}

const names: Readonly<Record<string, string>> = {
  '\u00ad': 'soft hyphen',
  '\u200b': 'zero width space',
  '\u200c': 'zero width non-joiner',
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
  '\u2068': 'first strong isolate',
  '\u2069': 'pop directional isolate',
  '\u00a0': 'no-break space',
  '\ufeff': 'byte order mark',
  '\u0008': 'backspace',
  '\u001b': 'escape',
  '\r': 'carriage return',
}

/** The code point and, if common, the name of an invisible character. */
export function nameOf(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  const name = names[character]
  return name === undefined ? code : `${code} ${name}`
}
