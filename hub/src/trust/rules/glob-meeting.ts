import { bracketAt } from './glob.ts'

/** Longest pattern that is compared; the caller takes a longer one as meeting. */
const longestPattern = 256

/** One place of a pattern or of a rule. */
export type Place =
  /** `common`: an ending that many names have, so that spelling it out aims at none. */
  | { readonly kind: 'char'; readonly char: string; readonly common?: boolean }
  /** One character; `leads` where a file name begins, so that bash takes no dot there. */
  | { readonly kind: 'one'; readonly takes: (char: string) => boolean; readonly leads: boolean }
  | { readonly kind: 'run' }
  /**
   * The beginning of a name at a star: nothing, or one character other than a dot and then a run.
   */
  | { readonly kind: 'first' }
  /** Any names, slashes included. */
  | { readonly kind: 'deep' }

/** The overlap of a command's pattern and a rule. */
export interface Meeting {
  /** How many of the rule's own characters the pattern spells out, `?` and brackets counted as half. */
  readonly hits: number
  /** The same as a share of the rule's own characters. */
  readonly share: number
}

/** A rule's glob: `*` within a name, `**` across names, `\*` a star itself. */
export function placesOfRule(glob: string): readonly Place[] {
  const places: Place[] = []
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at] ?? ''
    if (char === '\\') {
      at += 1
      places.push({ kind: 'char', char: glob[at] ?? '' })
    } else if (char === '*' && glob[at + 1] === '*') {
      places.push({ kind: 'deep' })
      at += glob[at + 2] === '/' ? 2 : 1
    } else if (char === '*') places.push({ kind: 'run' })
    else if (char === '?') places.push({ kind: 'one', takes: () => true, leads: false })
    else places.push({ kind: 'char', char })
  }
  return places
}

/**
 * A shell's pattern.
 *
 * @param dots whether a wildcard takes a leading dot: to `grep --include` it does, to bash it does not
 * @returns undefined for what is too long or odd to be compared; the caller takes it as meeting
 */
export function placesOfPattern(pattern: string, dots: boolean): readonly Place[] | undefined {
  if (pattern.length > longestPattern) return undefined
  const places: Place[] = []
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? ''
    const leads = !dots && (at === 0 || pattern[at - 1] === '/')
    if (char === '*') {
      if (pattern[at - 1] === '*') continue
      if (leads) places.push({ kind: 'first' })
      places.push({ kind: 'run' })
    } else if (char === '?') places.push({ kind: 'one', takes: () => true, leads })
    else if (char === '[') {
      const bracket = bracketAt(pattern, at)
      if (!bracket) return undefined
      places.push({ kind: 'one', takes: bracket.takes, leads })
      at += bracket.length - 1
    } else places.push({ kind: 'char', char })
  }
  return places
}

const never = -1

/**
 * Whether some path is taken by both, and how much of the rule the pattern spells out in the best case. Walks the two
 * side by side: at each pair of places, the best that the rest of both can reach.
 */
export function meet(pattern: readonly Place[], rule: readonly Place[]): Meeting | undefined {
  if (conflict(pattern, rule)) return undefined
  const width = rule.length + 1
  const best = new Float64Array((pattern.length + 1) * width).fill(never)
  const at = (i: number, j: number): number => best[i * width + j] ?? never
  for (let i = pattern.length; i >= 0; i -= 1) {
    for (let j = rule.length; j >= 0; j -= 1) {
      best[i * width + j] =
        i === pattern.length && j === rule.length ? 0 : step(pattern[i], rule[j], i, j, at)
    }
  }
  const score = at(0, 0)
  if (score < 0) return undefined
  const own = rule.filter((place) => place.kind === 'char' && !place.common).length
  return { hits: score, share: own === 0 ? 1 : score / own }
}

function step(
  mine: Place | undefined,
  rules: Place | undefined,
  i: number,
  j: number,
  at: (i: number, j: number) => number,
): number {
  let best = never
  const mineRuns = mine?.kind === 'run'
  const rulesRun = rules?.kind === 'run' || rules?.kind === 'deep'
  if (mineRuns) best = Math.max(best, at(i + 1, j))
  if (mine?.kind === 'first') best = Math.max(best, at(i + 2, j))
  if (rulesRun) best = Math.max(best, at(i, j + 1))
  if (mine === undefined || rules === undefined) return best
  // One character that both take; a place that runs stays where it is.
  if (!takeOneInCommon(mine, rules)) return best
  const next = at(mineRuns ? i : i + 1, rulesRun ? j : j + 1)
  // Both running take nothing in common that one of them alone would not.
  if (next < 0 || (mineRuns && rulesRun)) return best
  return Math.max(best, next + gainOf(mine, rules))
}

function gainOf(mine: Place, rules: Place): number {
  if (rules.kind !== 'char' || rules.common) return 0
  if (mine.kind === 'char') return 1
  return mine.kind === 'one' ? 0.5 : 0
}

function takeOneInCommon(mine: Place, rules: Place): boolean {
  const fixed = mine.kind === 'char' ? mine.char : rules.kind === 'char' ? rules.char : undefined
  if (fixed === undefined) return true
  return accepts(mine, fixed) && accepts(rules, fixed)
}

function accepts(place: Place, char: string): boolean {
  switch (place.kind) {
    case 'char':
      return place.char === char
    case 'one':
      return char !== '/' && !(place.leads && char === '.') && place.takes(char)
    case 'run':
      return char !== '/'
    case 'first':
      return char !== '/' && char !== '.'
    case 'deep':
      return true
  }
}

/** Whether two beginnings of fixed characters differ, or two endings. */
function conflict(left: readonly Place[], right: readonly Place[]): boolean {
  const shorter = Math.min(left.length, right.length)
  for (let at = 0; at < shorter; at += 1) {
    const differs = compare(left[at], right[at])
    if (differs === undefined) break
    if (differs) return true
  }
  for (let back = 1; back <= shorter; back += 1) {
    const differs = compare(left[left.length - back], right[right.length - back])
    if (differs === undefined) return false
    if (differs) return true
  }
  return false
}

/** Whether two fixed characters differ; undefined where one is not fixed. */
function compare(left: Place | undefined, right: Place | undefined): boolean | undefined {
  if (left?.kind !== 'char' || right?.kind !== 'char') return undefined
  return left.char !== right.char
}
