import type { Judgement, Part, Verdict } from '@centralpost/shared'
import { type Execution, verdictOf } from '../history/store/execution.ts'
import type { Bound } from '../action/bound-files.ts'

/** Longer commands are read by nobody before they are approved always. */
const longestCommand = 4096

/** An action as an always rule sees it: its parsed form and what it was bound with, never its text alone. */
export interface RuleSubject {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly verdict: Verdict
  readonly parts: readonly Part[]
  readonly isWhole: boolean
  readonly bound: Bound
  /** whether the history masks something in it: a rule would keep that readable */
  readonly holdsSecret?: boolean
}

/** Judges a command; its parts are not in the ledger. */
export type Judge = (
  command: string | readonly string[],
  context: { cwd: string; env: Readonly<Record<string, string>> },
) => Judgement

/** An action of the ledger as an always rule sees it. */
export function subjectOf(row: Execution, judge: Judge): RuleSubject {
  const verdict = verdictOf(row)
  const cwd = row.cwd ?? ''
  const { env, bound } = row
  const command = row.argv ?? row.command
  const isShort = row.command.length <= longestCommand && verdict.level === 'REVIEW'
  const { parts, isWhole } = isShort ? judge(command, { cwd, env }) : { parts: [], isWhole: false }
  return { cwd, env, verdict, parts, isWhole, bound, holdsSecret: row.masked === 1 }
}
