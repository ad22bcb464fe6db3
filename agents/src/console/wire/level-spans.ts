import type { TrustLevel, UnitVerdict } from '@centralpost/shared'

/** A range of a command. */
export interface LevelSpan {
  readonly from: number
  readonly to: number
  readonly text: string
  readonly level: TrustLevel | null
  readonly reason: string | null
}

const strictness: Readonly<Record<TrustLevel, number>> = { SAFE: 0, REVIEW: 1, BLOCKED: 2 }

/**
 * Finds the judged parts within a command. The hub prints parts with new quoting, so the search
 * ignores quotes, backslashes and blanks. A part that is not found stays uncoloured (the list of
 * parts shows it); of two overlapping parts, the stricter one counts.
 */
export function levelSpans(command: string, units: readonly UnitVerdict[]): LevelSpan[] {
  const { text, places } = bare(command)
  const owner: (UnitVerdict | null)[] = Array.from({ length: command.length }, () => null)
  const [only] = units
  // a single part is the whole command
  if (units.length === 1 && only !== undefined) return spansOf(command, owner.fill(only))
  const paint = (unit: UnitVerdict, at: number, length: number): void => {
    let begin = places[at] ?? 0
    let end = (places[at + length - 1] ?? begin) + 1
    // includes the quotes around a word
    while (isQuote(command[begin - 1])) begin -= 1
    while (isQuote(command[end])) end += 1
    for (let place = begin; place < end; place += 1) {
      const other = owner[place]
      if (!other || strictness[unit.level] > strictness[other.level]) owner[place] = unit
    }
  }
  let from = 0
  for (const unit of units) {
    const { head, body } = inPieces(unit.text)
    const wanted = bare(head).text
    if (wanted === '') continue
    let at = text.indexOf(wanted, from)
    if (at < 0) at = text.indexOf(wanted)
    if (at < 0) continue
    from = at + wanted.length
    paint(unit, at, wanted.length)
    const below = bare(body).text
    const bodyAt = below === '' ? -1 : text.indexOf(below, from)
    if (bodyAt >= 0) paint(unit, bodyAt, below.length)
  }
  return spansOf(command, owner)
}

/**
 * The pieces of a part that are apart in a command: a here-document is below its line. Long parts
 * are cut.
 */
function inPieces(text: string): { readonly head: string; readonly body: string } {
  const whole = text.endsWith('…') ? text.slice(0, -1) : text
  const here = /\d*<<'?EOF_*'?(?=\s|$)/.exec(whole)
  if (here === null) return { head: whole, body: '' }
  const [, ...below] = whole.slice(here.index).split('\n')
  const hasEnd = /^EOF_*$/.test(below.at(-1) ?? '')
  return {
    head: whole.slice(0, here.index),
    body: (hasEnd ? below.slice(0, -1) : below).join('\n'),
  }
}

const isQuote = (character: string | undefined): boolean => character === '"' || character === "'"

function spansOf(command: string, owner: readonly (UnitVerdict | null)[]): LevelSpan[] {
  const spans: LevelSpan[] = []
  let begin = 0
  for (let place = 1; place <= command.length; place += 1) {
    if (place < command.length && owner[place] === owner[begin]) continue
    const unit = owner[begin] ?? null
    spans.push({
      from: begin,
      to: place,
      text: command.slice(begin, place),
      level: unit?.level ?? null,
      reason: unit?.reason ?? null,
    })
    begin = place
  }
  return spans
}

/** A text without quoting, and the position of each character. */
function bare(text: string): { readonly text: string; readonly places: readonly number[] } {
  const places: number[] = []
  let kept = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (/[\s'"\\]/.test(character)) continue
    kept += character
    places.push(at)
  }
  return { text: kept, places }
}
