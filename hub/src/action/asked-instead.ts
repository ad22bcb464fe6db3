import type { Judgement } from '@centralpost/shared'
import type { JudgedCommand, ProfileChoice } from '../execution/index.ts'

/**
 * Lets a person decide what the rules call SAFE and this hub cannot confine: the confinement has to hold alone, and where it
 * cannot, somebody looks. Nothing else changes: what they clear is the plan that was judged.
 *
 * @param cwd where it is to run
 * @param choose the profile that a judged command gets
 */
export function askedInstead(
  judgement: Judgement,
  cwd: string,
  choose: (judged: JudgedCommand) => ProfileChoice,
): Judgement {
  const { verdict } = judgement
  if (verdict.level !== 'SAFE') return judgement
  const { ask } = choose({ ...judgement, level: 'SAFE', cwd })
  if (ask === null) return judgement
  const units = verdict.units.map((unit) => ({ ...unit, level: 'REVIEW' as const, reason: ask }))
  return { ...judgement, verdict: { ...verdict, level: 'REVIEW', reasons: [ask], units } }
}
