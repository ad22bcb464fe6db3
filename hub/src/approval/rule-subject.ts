import type { Judgement, Part, Verdict } from '@centralpost/shared'
import { type Execution, verdictOf } from '../history/store/execution.ts'
import type { Bound } from '../action/bound-files.ts'

/** Length limit of commands for always rules: longer ones are hardly read before approval. */
const longestCommand = 4096

/**
 * An action in the form that always rules compare: parsed command and binding, never its text
 * alone.
 */
export interface RuleSubject {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly verdict: Verdict
  readonly parts: readonly Part[]
  readonly isWhole: boolean
  readonly bound: Bound
  /** whether the history masks part of it: a rule would keep that readable */
  readonly holdsSecret?: boolean
}

/** Judges a command; its parts are not in the ledger. */
export type JudgeCommand = (
  command: string | readonly string[],
  context: { cwd: string; env: Readonly<Record<string, string>> },
) => Judgement

/** A ledger row in the form that always rules compare. */
export function subjectOf(row: Execution, judge: JudgeCommand): RuleSubject {
  const verdict = verdictOf(row)
  const cwd = row.cwd ?? ''
  const { env, bound } = row
  const command = row.argv ?? row.command
  const isShort = row.command.length <= longestCommand && verdict.level === 'REVIEW'
  const { parts, isWhole } = isShort ? judge(command, { cwd, env }) : { parts: [], isWhole: false }
  return { cwd, env, verdict, parts, isWhole, bound, holdsSecret: row.masked === 1 }
}
