/** The position of a parser statement in its text. */
export interface Span {
  readonly pos: number
  readonly end: number
}

const mostNested = 32
const onlySeparators = /^(?:[\s;&]|\\\n|#[^\n]*)*$/

/** Whether `${` stands inside `${` so often that the parser's own work on it would be felt. */
export function nestsExpansions(text: string): boolean {
  if (!text.includes('${')) return false
  let depth = 0
  for (const [bracket] of text.matchAll(/\$\{|\}/g)) {
    depth = bracket === '}' ? Math.max(0, depth - 1) : depth + 1
    if (depth > mostNested) return true
  }
  return false
}

/** Whether nothing but separators and comments stands between the statements and after them. */
export function coversText(statements: readonly Span[], text: string): boolean {
  // The body of a here-document stands outside of its statement.
  if (text.includes('<<')) return true
  let from = 0
  for (const { pos, end } of statements) {
    if (pos > from && !onlySeparators.test(text.slice(from, pos))) return false
    from = end
  }
  return from >= text.length || onlySeparators.test(text.slice(from))
}
