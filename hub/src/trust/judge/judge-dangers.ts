import { longestMasked } from '../shell/command-text.ts'
import { noProse, Shape } from '../rules/command-shape.ts'
import type { Finding } from './findings.ts'
import { patternFinding, secretFinding } from './findings.ts'
import { compileGlob } from '../rules/glob.ts'
import { secrecyOf } from './judge-secrets.ts'
import type { Reading } from '../rules/program-rules.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'
import { quoteIfNeeded } from '@centralpost/shared'
import { Subject } from '../rules/string-patterns.ts'

/** A part of the risk score that a rule adds. */
export interface Points {
  /** its kind: each counts once in a command */
  readonly id: string
  readonly name: string
  readonly points: number
}

/**
 * Tries the REVIEW and BLOCKED rules and patterns on one command.
 *
 * @returns the command's text with what is only printed or searched for left out
 */
export function judgeDangers(
  shape: Shape,
  reading: Reading | undefined,
  grounds: Grounds,
  findings: Finding[],
  risks: Points[],
): string {
  const { program, args, isProse } = shape
  const isReading = reading !== undefined && reading.refusal === undefined
  const isHelp = args.length === 1 && /^--(?:help|version)$/.test(args[0] ?? '')
  if (isHelp && grounds.policy.versions.has(program)) return `${program} ${args.join(' ')}`
  if (!isReading) {
    const rule = isHelp ? undefined : grounds.policy.blocked.find(shape, grounds.paths)
    if (rule) {
      findings.push({
        level: 'BLOCKED',
        rule: rule.id,
        reason: rule.reason,
        suggestion: rule.suggestion,
      })
    }
    const reviewed = grounds.policy.review.find(shape, grounds.paths)
    if (reviewed) {
      findings.push({
        level: 'REVIEW',
        rule: reviewed.id,
        reason: reviewed.reason,
        suggestion: reviewed.suggestion,
      })
    }
    for (const { id, reason: name, risk: points } of grounds.policy.risks.all(shape, grounds.paths))
      if (!risks.some((known) => known.id === id)) risks.push({ id, name, points })
  }
  let masked = program
  for (let at = 0; at < args.length && masked.length <= longestMasked; at += 1)
    masked += isProse(at) ? ' …' : ` ${quoteIfNeeded(args[at] ?? '')}`
  const subject = new Subject(masked)
  const blocked = grounds.policy.blockedPatterns.find(program, subject)
  if (blocked) findings.push(patternFinding('BLOCKED', blocked))
  const reviewed = grounds.policy.reviewPatterns.find(program, subject)
  if (reviewed) findings.push(patternFinding('REVIEW', reviewed))
  return masked
}

/** Only what must never run, for a command that is not judged in full. */
export function judgeBlocked(
  program: string,
  words: readonly ResolvedWord[],
  input: string | undefined,
  scope: Scope,
  grounds: Grounds,
  findings: Finding[],
): void {
  const args = words.slice(1).map(({ value }) => value)
  const shape = new Shape(program, args, input, noProse, scope.cwd)
  const rule = grounds.policy.blocked.find(shape, grounds.paths)
  if (rule) findings.push({ level: 'BLOCKED', rule: rule.id, reason: rule.reason })
}

/**
 * The words after an unknown program are still tried on BLOCKED rules, in their most likely
 * reading.
 */
export function guessProgram(
  words: readonly ResolvedWord[],
  scope: Scope,
  grounds: Grounds,
  findings: Finding[],
): void {
  const guess = words.flatMap(({ value }) => value.split(/\s+/)).filter((part) => part !== '')
  const name = guess[0]?.slice(guess[0].lastIndexOf('/') + 1) ?? ''
  const named = name.replaceAll(/[?*]/g, '')
  const names = /[?*[]/.test(name) ? ['rm', 'dd', 'shutdown', 'mkfs'] : [named]
  const isNamed = /[?*[]/.test(name) ? compileGlob(name) : () => true
  for (const program of names) {
    if (isNamed?.(program) !== true) continue
    const shape = new Shape(program, guess.slice(1), undefined, noProse, scope.cwd)
    const rule = grounds.policy.blocked.find(shape, grounds.paths)
    if (rule) findings.push({ level: 'BLOCKED', rule: rule.id, reason: rule.reason })
  }
  for (const { value, glob } of words) {
    const secrecy = secrecyOf(value, glob, scope, grounds)
    if (secrecy === 'secret') findings.push(secretFinding(value))
  }
}
