import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** A letter with more marks than this would be drawn over the lines around it. */
const mostCodePoints = 10

/** Terminals of these languages draw letters of two widths (`§`, `й`) as wide ones. */
const ambiguousIsNarrow = !/^(?:zh|ja|ko)/.test(
  process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '',
)

/** How many columns a text takes at most. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    width += columnsOf(segment)
  }
  return width
}

/**
 * How many columns a character takes at most. Terminals differ about signs that are made of several: some draw each of
 * them. A row that is counted too short only ends early; one that is counted too long would lose its end.
 */
function columnsOf(segment: string): number {
  if (segment.length === 1 && segment < '\x7f') return 1
  let sum = 0
  for (const point of segment) {
    sum += /^\p{Mn}$/u.test(point) ? 0 : Math.max(1, stringWidth(point, { ambiguousIsNarrow }))
  }
  return Math.max(sum, stringWidth(segment, { ambiguousIsNarrow }))
}

/**
 * Breaks a text into rows of a terminal. Nothing is left out; a pile of combining marks is spelled out.
 *
 * @param text one line, made visible
 * @param columns how wide a row is
 * @param indent how many columns later rows are moved in
 */
export function wrapped(text: string, columns: number, indent = 0): string[] {
  const most = Math.max(columns, 2)
  const margin = most > indent * 3 ? ' '.repeat(indent) : ''
  const rows: string[] = []
  let row = ''
  let width = 0
  for (const [piece, wide] of pieces(text)) {
    if (width + wide > most && width > 0) {
      const carried = piece === ' ' ? '' : lastWordOf(row, most)
      rows.push(row.slice(0, row.length - carried.length))
      row = margin + carried
      width = widthOf(row)
    }
    row += piece
    width += wide
  }
  return [...rows, row]
}

/** The word that a row ends in, where it is short enough to be moved to the next row as a whole. */
function lastWordOf(row: string, columns: number): string {
  const word = row.slice(row.lastIndexOf(' ') + 1)
  return word.length < row.trimStart().length && word.length < columns / 3 ? word : ''
}

/** The beginning of a text that fits into so many columns; `…` says that something is left out. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return ''
  let row = ''
  let width = 0
  // what fits at most is known without looking at all of a long text
  const enough = text.slice(0, columns * mostCodePoints + mostCodePoints)
  const found: [string, number][] = [...pieces(enough)]
  const isWhole = enough.length === text.length
  for (const [at, [piece, wide]] of found.entries()) {
    const isLast = at === found.length - 1 && isWhole
    if (width + wide > columns - (isLast ? 0 : 1)) return `${row}…`
    row += piece
    width += wide
  }
  return isWhole ? row : `${row}…`
}

/** A text with blanks behind it up to a width; a longer one is cut. */
export function padded(text: string, columns: number): string {
  const fit = cut(text, columns)
  return fit + ' '.repeat(Math.max(0, columns - widthOf(fit)))
}

function* pieces(text: string): Generator<[string, number]> {
  for (const { segment } of graphemes.segment(text)) {
    const points = segment.length > mostCodePoints ? Array.from(segment) : null
    if (points === null || points.length <= mostCodePoints) yield [segment, columnsOf(segment)]
    else {
      for (const point of points) {
        const spelled = String.raw`\u{${(point.codePointAt(0) ?? 0).toString(16)}}`
        yield [spelled, spelled.length]
      }
    }
  }
}
