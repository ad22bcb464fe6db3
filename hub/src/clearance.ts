import { messageOf, type Verdict } from '@centralpost/shared'
import { readVerdict } from './action.ts'
import { type Bound, boundOf, differenceOf } from './approval/bound.ts'
import { digestOf } from './approval/digest.ts'
import type { CentralPostParts } from './central-post-parts.ts'
import { describeChoice } from './execution/index.ts'
import type { CommandExecution } from './history/schema.ts'

/** What is known, right before its start, of an action that was cleared a while ago. */
export type Clearance =
  | { readonly kind: 'holds'; readonly verdict: Verdict }
  | { readonly kind: 'blocked'; readonly verdict: Verdict }
  | {
      readonly kind: 'changed'
      readonly verdict: Verdict
      readonly what: string
      readonly digest: string
      readonly bound: Bound
    }

/**
 * Judges an action again: by the rules in force now, in its directory as it is now, with the programs and scripts that
 * it names as they are now. What was cleared holds only if all of that is what it was cleared with.
 */
export async function clearanceOf(
  row: CommandExecution,
  parts: Pick<
    CentralPostParts,
    'policy' | 'classifyCommand' | 'checkCwd' | 'whereIs' | 'sandboxFor'
  >,
): Promise<Clearance> {
  const shown = readVerdict(row.verdict ?? '')
  const cwd = row.cwd ?? ''
  const env = JSON.parse(row.env) as Record<string, string>
  const command = row.argv === null ? row.command : (JSON.parse(row.argv) as string[])
  const isSamePolicy = shown.policy === parts.policy()
  const verdict = isSamePolicy ? shown : parts.classifyCommand(command, { cwd, env })
  if (verdict.level === 'BLOCKED') return { kind: 'blocked', verdict }
  const isReviewed = shown.level !== 'SAFE'
  const cwdNow = await parts.checkCwd(cwd).catch((error: unknown) => messageOf(error))
  const confinement = describeChoice(parts.sandboxFor({ ...verdict, level: shown.level, cwd }))
  const bound = isReviewed ? await boundOf(verdict, cwd, parts.whereIs, confinement) : {}
  const digest = digestOf({
    agentId: row.agent_id,
    command: row.command,
    plan: verdict.plan,
    cwd: cwdNow,
    env,
    timeoutMs: row.timeout_ms,
    bound,
  })
  const isCleared = isReviewed || verdict.level === 'SAFE'
  if (digest === row.digest && isCleared) return { kind: 'holds', verdict }
  const what =
    cwdNow === cwd
      ? (differenceOf(JSON.parse(row.bound ?? '{}') as Bound, bound) ??
        'the rules judge it otherwise now')
      : `its directory is not what it was: ${cwdNow}`
  return {
    kind: 'changed',
    verdict: { ...verdict, level: 'REVIEW', reasons: [what, ...verdict.reasons] },
    what,
    digest,
    bound,
  }
}
