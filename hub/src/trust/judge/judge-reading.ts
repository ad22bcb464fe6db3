import { describeWords } from '../shell/command-text.ts'
import type { Finding } from './findings.ts'
import { patternFinding, review, safe, unknown } from './findings.ts'
import { judgeAdded } from './added-words.ts'
import type { Reading } from '../rules/program-rules.ts'
import { readForms } from '../rules/program-rules.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope, Via } from './scope.ts'
import { Subject } from '../rules/string-patterns.ts'

/** Reads a command by the forms of its program; undefined for an unknown program. */
export function readProgram(
  program: string,
  words: readonly ResolvedWord[],
  { policy }: Grounds,
): Reading | undefined {
  const forms = policy.programs.get(program)
  return forms ? readForms(forms, words) : undefined
}

/**
 * The verdict on a program of the system from its reading form: SAFE where every argument is of that form, and where
 * the pattern that may be asked for vouches too.
 */
export function judgeReading(
  program: string,
  words: readonly ResolvedWord[],
  reading: Reading | undefined,
  scope: Scope,
  via: Via,
  grounds: Grounds,
  text: string,
): Finding {
  // A form that fits comes first: the plan sets what it needs.
  if (
    (!reading || reading.refusal !== undefined) &&
    words.length === 2 &&
    !via.added &&
    grounds.policy.versions.has(program) &&
    /^--(?:version|help)$/.test(words[1]?.value ?? '') &&
    words[1]?.exact
  ) {
    return safe('version', 'only tells its version or its options')
  }
  if (!reading) return vouched(program, words, text, via, grounds)
  if (reading.refusal !== undefined) {
    return review(reading.form.id, reading.refusal, reading.form.suggestion)
  }
  if (
    grounds.policy.knownPrograms === 'vouch' &&
    !grounds.policy.safePatterns.find(program, new Subject(describeWords(words)))
  ) {
    return review('unknown', `no rule says that ${program} is safe`)
  }
  if (scope.isLost && readsRelative(reading, words)) {
    return review('lost', 'reads a file below a directory that is only known when it runs')
  }
  const { refusal } = judgeAdded(reading, words, via)
  if (refusal !== undefined) return review('appended', refusal)
  if (via.strips && (reading.form.harden ?? reading.form.env))
    return review(
      'environment',
      `takes away the variables that keep ${program} from more than reading`,
    )
  return safe(reading.form.id, `${reading.form.id} in this form only reads`)
}

/** A program that no table knows: only a seed-style pattern can vouch for it, and only in plain form. */
function vouched(
  program: string,
  words: readonly ResolvedWord[],
  text: string,
  via: Via,
  grounds: Grounds,
): Finding {
  const plain = words.every((word) => word.exact && word.opaque === undefined)
  if (!plain || via.added) return unknown(text)
  const pattern = grounds.policy.safePatterns.find(program, new Subject(describeWords(words)))
  return pattern ? patternFinding('SAFE', pattern) : unknown(program)
}

/** Whether a command reads what a relative path names, be it an operand or the value of an option. */
function readsRelative({ roles, given }: Reading, words: readonly ResolvedWord[]): boolean {
  const values = new Map(given.map(({ at, value }) => [at, value]))
  return words.some(
    ({ value }, at) => at > 0 && roles[at] === 'path' && !(values.get(at) ?? value).startsWith('/'),
  )
}
