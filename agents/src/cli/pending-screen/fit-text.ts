import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** A letter with more combining marks would be drawn over its neighbour lines. */
const mostCodePoints = 10

/** Terminals of these languages draw characters of ambiguous width (`§`, `й`) wide. */
const ambiguousIsNarrow = !/^(?:zh|ja|ko)/.test(
  process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '',
)

/** The maximal width of a text, in columns. */
export function widthOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    width += columnsOf(segment)
  }
  return width
}

/**
 * The maximal width of a character, in columns. Terminals disagree about composed characters: some
 * draw each component. An overestimate only ends a row early; an underestimate would lose its end.
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
 * Breaks a text into terminal rows. Nothing is left out; a pile of combining marks is spelled out.
 *
 * @param text one line, made visible
 * @param columns width of a row
 * @param indent of later rows, in columns
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

/** The last word of a row, if it is short enough to move to the next row whole. */
function lastWordOf(row: string, columns: number): string {
  const word = row.slice(row.lastIndexOf(' ') + 1)
  return word.length < row.trimStart().length && word.length < columns / 3 ? word : ''
}

/** The beginning of a text that fits into this many columns; `…` marks a cut. */
export function cut(text: string, columns: number): string {
  if (columns <= 0) return ''
  let row = ''
  let width = 0
  // avoids measuring all of a long text
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

/** Pads a text with spaces to a width, or cuts it. */
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
