import type { Assignment, Word } from '../shell/command-tree.ts'
import type { Finding } from './findings.ts'
import { environmentFinding, review, secretVariable } from './findings.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'

/**
 * Judges variables set by a command.
 *
 * @param bare whether no program follows, so that they persist for later commands
 */
export function judgeAssignments(
  assignments: readonly Assignment[],
  bare: boolean,
  resolve: (word: Word) => ResolvedWord,
  scope: Scope,
  grounds: Grounds,
  findings: Finding[],
): void {
  for (const { name, value, plain } of assignments) {
    const resolved = resolve(value)
    if (bare && plain && isShellsOwn(name)) {
      // The value stays within this command, whose words are unknown from here on.
      scope.assigned.set(name, resolved.value)
      if (resolved.opaque !== undefined) findings.push(review('dynamic', resolved.opaque))
      if (resolved.secret !== undefined) findings.push(secretVariable(resolved.secret))
      continue
    }
    const verdict =
      resolved.exact && plain ? grounds.policy.environment.judge(name, resolved.value) : 'review'
    const worst = grounds.policy.environment.judge(name, '') === 'blocked' ? 'blocked' : verdict
    if (worst === 'blocked') findings.push(environmentFinding(name, 'BLOCKED'))
    else if (worst === 'review') findings.push(environmentFinding(name, 'REVIEW'))
    if (bare) {
      scope.assigned.set(name, resolved.value)
      findings.push(review('assignment', `sets ${name} for what follows`))
    }
  }
}

/** Names that only the shell itself sees: no program and no part of the shell goes by them, and nothing exports them. */
function isShellsOwn(name: string): boolean {
  return (
    /^[a-z][a-z\d_]*$/.test(name) &&
    !/proxy|^(?:npm|pip|yarn|pnpm|cargo)_|^histchars$|^auto_resume$/.test(name)
  )
}
