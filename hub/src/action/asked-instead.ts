import type { Judgement } from '@centralpost/shared'
import type { JudgedCommand, ProfileChoice } from '../execution/index.ts'

/**
 * Turns a SAFE verdict into REVIEW where this hub cannot confine the command: then a person
 * decides. The plan stays as judged.
 *
 * @param cwd its working directory
 * @param choose the profile for a judged command
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
