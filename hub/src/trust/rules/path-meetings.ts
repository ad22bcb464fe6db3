import { bracketSource } from './glob.ts'
import { meet, placesOfPattern, placesOfRule } from './glob-meeting.ts'
import type { Place } from './glob-meeting.ts'
import type { PathsSource } from './rule-schema.ts'
import type { Secrecy } from './secrecy.ts'

interface Rule {
  readonly secrecy: 'secret' | 'private'
  readonly places: readonly Place[]
  /** The rule itself where it holds no wildcard, so that most patterns can be told to differ at a glance. */
  readonly fixed: string | undefined
}

/** Share of a rule, or characters of it, that a pattern spells out when it is after just that. */
const aimedShare = 0.5
const aimedHits = 3
/** Share from which on the pattern is as good as the name. */
const sureShare = 0.55

/**
 * The paths that a shell's pattern could expand to, by its overlap with each rule. A rule counts
 * where the pattern aims at it: `*.json` is no hunt for `credentials.json`, `cred*.json` is.
 */
export function compileMeetings(source: PathsSource): (pattern: string, dots: boolean) => Secrecy {
  const names: Rule[] = []
  const paths: Rule[] = []
  for (const secrecy of ['secret', 'private'] as const) {
    for (const glob of source[secrecy]) {
      const isName = !/[/~]/.test(glob)
      const fixed = /[*?\\]/.test(glob) ? undefined : glob
      const rule = { secrecy, places: withCommonPart(placesOfRule(glob), glob), fixed }
      ;(isName ? names : paths).push(rule)
    }
  }
  // The same name is asked for from several directories, and the same pattern by many parts of a command.
  const ofNames = remembered((key: string) => {
    const name = key.slice(1)
    const places = placesOfPattern(name, key.startsWith('.'))
    return places ? worst(places, names, literalRuns(name), isAfterHidden(name)) : 'private'
  })
  const ofPaths = remembered((key: string) => {
    const pattern = key.slice(1)
    const name = nameOf(pattern)
    const places = placesOfPattern(pattern, key.startsWith('.'))
    return places ? worst(places, paths, literalRuns(name), isAfterHidden(name)) : 'private'
  })
  return (pattern, dots) => {
    const sign = dots ? '.' : ' '
    const byName = ofNames(sign + nameOf(pattern))
    return byName === 'secret' ? byName : (ofPaths(sign + pattern) ?? byName)
  }
}

/** Answers kept at a time; a hostile text asks for others each time, and must not fill the memory. */
const mostRemembered = 256

function remembered(ask: (key: string) => Secrecy): (key: string) => Secrecy {
  const known = new Map<string, Secrecy>()
  return (key) => {
    if (known.has(key)) return known.get(key)
    if (known.size >= mostRemembered) known.clear()
    const answer = ask(key)
    known.set(key, answer)
    return answer
  }
}

function nameOf(pattern: string): string {
  return pattern.slice(pattern.lastIndexOf('/') + 1)
}

/** `.*` and `.e*` are after what is hidden, whatever else they take. */
function isAfterHidden(name: string): boolean {
  return /^\.[^*?[]?[*?[]/.test(name)
}

const wildcards = new RegExp(`${bracketSource}|[*?]+`, 'g')

/** The literal runs of a name's pattern, between its wildcards. */
function literalRuns(name: string): string[] {
  return name
    .replaceAll(wildcards, '*')
    .split('*')
    .filter((run) => run !== '')
}

function worst(
  pattern: readonly Place[],
  rules: readonly Rule[],
  runs: readonly string[],
  isHidden: boolean,
): Secrecy {
  let found: Secrecy
  for (const { secrecy, places, fixed } of rules) {
    if (fixed !== undefined && !runs.every((run) => fixed.includes(run))) continue
    const meeting = meet(pattern, places)
    if (!meeting) continue
    const first = places[0]
    const aims =
      meeting.hits >= aimedHits ||
      meeting.share >= aimedShare ||
      (isHidden && first?.kind === 'char' && first.char === '.')
    if (!aims) continue
    if (secrecy === 'secret' && meeting.share > sureShare) return 'secret'
    found = 'private'
  }
  return found
}

/** `.json` behind a name says little about it, nor does the directory of everybody; `.env` behind nothing says all. */
function withCommonPart(places: readonly Place[], glob: string): readonly Place[] {
  const isShared = /^(?:\/tmp|~\/\.\*)\//.test(glob)
  const slash = places.findLastIndex((place) => isChar(place, '/'))
  const dot = places.findLastIndex((place) => isChar(place, '.'))
  const isEnding =
    (isShared || !/^[~/]/.test(glob)) &&
    dot > slash &&
    places.slice(slash + 1, dot).some(({ kind }) => kind === 'char')
  return places.map((place, at) => {
    const common = (isShared && at <= slash) || (isEnding && at >= dot)
    return common && place.kind === 'char' ? { ...place, common } : place
  })
}

function isChar(place: Place, char: string): boolean {
  return place.kind === 'char' && place.char === char
}
