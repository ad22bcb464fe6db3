const longestPattern = 512
/** A bracket of a pattern with its classes (`[:alpha:]`, `[=a=]`, `[.a.]`), where `]` as the first member is one. */
export const bracketSource = String.raw`\[([!^]?)(\]?(?:\[([:=.])(?:(?!\3\]).){0,32}\3\]|[^\]/])*)\]`
const bracketStart = new RegExp(bracketSource, 'y')

/**
 * The matcher of the bracket at a position, and its length; undefined for no bracket, or an unusual
 * one.
 */
export function bracketAt(
  pattern: string,
  at: number,
): { takes: (char: string) => boolean; length: number } | undefined {
  bracketStart.lastIndex = at
  const [text, sign, body = ''] = bracketStart.exec(pattern) ?? []
  if (text === undefined || body === '') return undefined
  const takes = body.includes('[')
    ? (char: string): boolean => char !== '/'
    : membersOf(body, sign !== '')
  return takes && { takes, length: text.length }
}

/**
 * One step of a pattern; `leads` at the beginning of a file name, where a wildcard takes no dot.
 */
type Step =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'one'; readonly leads: boolean }
  | { readonly kind: 'run'; readonly leads: boolean }
  | { readonly kind: 'class'; readonly takes: (char: string) => boolean }

/**
 * Compiles a shell's pattern: a wildcard takes neither a slash nor a leading dot. Matched by hand, because a regex that
 * is used on a few names only costs more to compile than to run, and a hostile command brings thousands.
 *
 * @returns undefined for what cannot be compiled; the caller treats it as matching
 */
export function compileGlob(pattern: string): ((name: string) => boolean) | undefined {
  if (pattern.length > longestPattern) return undefined
  const steps: Step[] = []
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? ''
    const leads = at === 0 || pattern[at - 1] === '/'
    if (char === '*') {
      if (pattern[at - 1] !== '*') steps.push({ kind: 'run', leads })
    } else if (char === '?') steps.push({ kind: 'one', leads })
    else if (char === '[') {
      const bracket = bracketAt(pattern, at)
      if (!bracket) return undefined
      steps.push({ kind: 'class', takes: bracket.takes })
      at += bracket.length - 1
    } else steps.push({ kind: 'char', char })
  }
  return (name) => matches(steps, name)
}

/** The matcher of a bracket without classes; undefined for a backward range. */
function membersOf(body: string, negated: boolean): ((char: string) => boolean) | undefined {
  const ranges: (readonly [number, number])[] = []
  for (let at = 0; at < body.length; at += 1) {
    const first = body.charCodeAt(at)
    const isRange = body[at + 1] === '-' && at + 2 < body.length
    const last = isRange ? body.charCodeAt(at + 2) : first
    if (last < first) return undefined
    ranges.push([first, last])
    if (isRange) at += 2
  }
  return (char) => {
    const code = char.charCodeAt(0)
    return ranges.some(([first, last]) => code >= first && code <= last) !== negated
  }
}

/** Tries the steps in turn; after a mismatch the latest run takes one character more. */
function matches(steps: readonly Step[], name: string): boolean {
  let step = 0
  let at = 0
  let retryStep = -1
  let retryAt = 0
  for (;;) {
    const next = steps[step]
    if (next?.kind === 'run' && !(next.leads && name[at] === '.')) {
      step += 1
      retryStep = step
      retryAt = at
      continue
    }
    if (!next && at === name.length) return true
    if (next && at < name.length && takesOne(next, name[at] ?? '')) {
      step += 1
      at += 1
      continue
    }
    if (retryStep < 0 || retryAt >= name.length || name[retryAt] === '/') return false
    retryAt += 1
    step = retryStep
    at = retryAt
  }
}

function takesOne(step: Step, char: string): boolean {
  switch (step.kind) {
    case 'char':
      return step.char === char
    case 'one':
      return char !== '/' && !(step.leads && char === '.')
    case 'class':
      return step.takes(char)
    case 'run':
      return false
  }
}
