import type { PatternSource } from './rule-schema.ts'

/** The seed's kind of rule: a regular expression on the text of one command. */
export interface StringPattern {
  readonly source: string
  readonly id: string
  readonly regex: RegExp
  /** The finding in words; undefined where the rule file gives none. */
  readonly reason: string | undefined
}

/** The regexes of a list of rules, each with its reason; other kinds of rules are left out. */
export function patternsOf(rules: readonly unknown[]): Pick<StringPattern, 'source' | 'reason'>[] {
  return rules.flatMap((rule): Pick<StringPattern, 'source' | 'reason'>[] => {
    if (typeof rule === 'string') return [{ source: rule, reason: undefined }]
    if (!isPattern(rule)) return []
    const { pattern, reason } = rule
    const sources = typeof pattern === 'string' ? [pattern] : pattern
    return sources.map((source) => ({ source, reason }))
  })
}

function isPattern(rule: unknown): rule is PatternSource {
  return typeof rule === 'object' && rule !== null && 'pattern' in rule
}

/** Patterns of one level, found by the first word where the pattern begins with one. */
export interface PatternList {
  find(program: string, subject: Subject): StringPattern | undefined
  readonly size: number
}

const longestSubject = 2048

/**
 * A text as patterns search it: its first 2 KiB with runs of blanks collapsed, so that no pattern that passed the lint
 * can stall the hub.
 */
export class Subject {
  readonly text: string

  constructor(text: string) {
    const capped = text.length > longestSubject ? text.slice(0, longestSubject) : text
    this.text = /\s\s|[\t\n\r]/.test(capped) ? capped.replaceAll(/\s+/g, ' ') : capped
  }
}

const firstWord = /^\^([A-Za-z0-9_.-]+)(?=\\s|\\b|\$| |\(\?|\(\\s)(?![*+?{])/

/**
 * Compiles a list of patterns.
 *
 * @param ignoreCase as the seed does for REVIEW and BLOCKED; a SAFE pattern vouches for the exact spelling only
 */
export function compilePatterns(
  sources: readonly Pick<StringPattern, 'source' | 'reason'>[],
  level: string,
  ignoreCase: boolean,
): PatternList {
  const byWord = new Map<string, StringPattern[]>()
  const others: StringPattern[] = []
  sources.forEach(({ source, reason }, index) => {
    const pattern = {
      source,
      reason,
      id: `${level}[${index}]`,
      regex: new RegExp(source, ignoreCase ? 'i' : ''),
    }
    const word = firstWord.exec(source)?.[1]
    if (word === undefined || source.includes('|')) others.push(pattern)
    else {
      const key = word.toLowerCase()
      byWord.set(key, [...(byWord.get(key) ?? []), pattern])
    }
  })
  const all = anyOf(
    others.map((pattern) => pattern.source),
    ignoreCase,
  )
  return {
    size: sources.length,
    find(program, { text }) {
      for (const pattern of byWord.get(program.toLowerCase()) ?? [])
        if (pattern.regex.test(text)) return pattern
      if (all && !all.test(text)) return undefined
      return others.find((pattern) => pattern.regex.test(text))
    },
  }
}

/** One regex that tells whether any of them can match; undefined where they cannot be joined. */
function anyOf(sources: readonly string[], ignoreCase: boolean): RegExp | undefined {
  if (sources.some((source) => /\\[1-9]|\\k<|\(\?<[^=!]|\(\?[ims-]/.test(source))) return undefined
  return new RegExp(
    sources.map((source) => `(?:${source})`).join('|') || '(?!)',
    ignoreCase ? 'i' : '',
  )
}
