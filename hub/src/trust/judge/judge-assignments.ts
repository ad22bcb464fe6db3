import type { Assignment, Word } from '../shell/command-tree.ts'
import type { Finding } from './findings.ts'
import { environmentFinding, review } from './findings.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'

/**
 * Judges variables that a command sets.
 *
 * @param bare whether nothing follows, so that they hold for the commands after it
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
