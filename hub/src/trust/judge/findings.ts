import type { TrustLevel } from '@centralpost/shared'
import type { StringPattern } from '../rules/string-patterns.ts'

/** The finding of one rule on one part of a command. */
export interface Finding {
  readonly level: TrustLevel
  readonly rule: string
  readonly reason: string
  readonly suggestion?: string | undefined
}

export function isStricter(level: TrustLevel, than: TrustLevel): boolean {
  return rank[level] > rank[than]
}

/** The finding that decides over a verdict, or the verdict. */
export function strictestOf(findings: readonly Finding[], verdict: Finding): Finding {
  let worst = verdict
  for (const finding of findings) if (isStricter(finding.level, worst.level)) worst = finding
  // Of equals, a rule's finding is more informative than an unknown program.
  if (worst === verdict && verdict.level === 'REVIEW') {
    worst = findings.find((finding) => finding.level === 'REVIEW') ?? verdict
  }
  return worst
}

const rank: Readonly<Record<TrustLevel, number>> = { SAFE: 0, REVIEW: 1, BLOCKED: 2 }

export function review(rule: string, reason: string, suggestion?: string): Finding {
  return { level: 'REVIEW', rule, reason, suggestion }
}

export function safe(rule: string, reason: string): Finding {
  return { level: 'SAFE', rule, reason }
}

export function unknown(program: string): Finding {
  return review('unknown', `no rule says that ${program} is safe`)
}

/** A regex means nothing to a person: a pattern without a reason is described by its list. */
export function patternFinding(
  level: TrustLevel,
  { id, reason }: Pick<StringPattern, 'id' | 'reason'>,
): Finding {
  return { level, rule: id, reason: reason ?? listed[level] }
}

const listed: Readonly<Record<TrustLevel, string>> = {
  SAFE: 'the rules list it as safe to run at once',
  REVIEW: 'the rules list it as a change that a person decides on',
  BLOCKED: 'the rules list it as never to be run',
}

export function secretFinding(path: string): Finding {
  return { level: 'BLOCKED', rule: 'credentials', reason: `${path} holds credentials` }
}

export function privateFinding(path: string): Finding {
  return review('private-file', `${path} may hold secrets`)
}

export function secretVariable(name: string, program = ''): Finding {
  const prints = program === 'echo' || program === 'printf'
  const reason = `$${name} looks like a secret by its name`
  return prints
    ? { level: 'BLOCKED', rule: 'secret-variable', reason }
    : review('secret-variable', reason)
}

export function environmentFinding(name: string, level: 'REVIEW' | 'BLOCKED'): Finding {
  const reason =
    level === 'BLOCKED'
      ? `${name} loads code into programs`
      : `${name} can change what a program does`
  return { level, rule: 'environment', reason }
}
