import { type Judgement, messageOf, type Verdict } from '@centralpost/shared'
import { type Bound, boundOf, differenceOf } from './bound-files.ts'
import { digestOf } from './digest.ts'
import type { ActionParts } from './action-parts.ts'
import { describeChoice } from '../execution/index.ts'
import { type Execution, verdictOf } from '../history/store/execution.ts'

/** The state of an action right before its start, some time after it was cleared. */
export type Clearance =
  | { readonly kind: 'holds'; readonly judgement: Judgement }
  | { readonly kind: 'blocked'; readonly verdict: Verdict; readonly what: string }
  | {
      readonly kind: 'changed'
      readonly verdict: Verdict
      readonly what: string
      readonly digest: string
      readonly bound: Bound
    }

/**
 * Judges an action again: with the current rules, directory, programs, scripts and symlinks. The
 * clearance holds only if all of them are unchanged. A command approved by a person runs as shown,
 * unless it is now BLOCKED.
 */
export async function clearanceOf(
  row: Execution,
  parts: Pick<ActionParts, 'policy' | 'judge' | 'checkCwd' | 'whereIs' | 'sandboxFor'>,
): Promise<Clearance> {
  const shown = verdictOf(row)
  const cwd = row.cwd ?? ''
  const { env } = row
  const command = row.argv ?? row.command
  const isSamePolicy = shown.policy === parts.policy()
  const isReviewed = shown.level !== 'SAFE'
  const judged = parts.judge(command, { cwd, env })
  const changed = isSamePolicy ? 'a path that it names leads elsewhere' : 'the rules have changed'
  if (judged.verdict.level === 'BLOCKED') {
    return { kind: 'blocked', verdict: judged.verdict, what: changed }
  }
  const verdict = isSamePolicy && isReviewed ? shown : judged.verdict
  const cwdNow = await parts.checkCwd(cwd).catch((error: unknown) => messageOf(error))
  const confinement = describeChoice(
    parts.sandboxFor({ ...judged, verdict, level: shown.level, cwd }),
  )
  const bound = isReviewed
    ? await boundOf(
        { ...judged, verdict },
        { cwd, env, whereIs: parts.whereIs, sandbox: confinement },
      )
    : {}
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
  if (digest === row.digest && isCleared)
    return { kind: 'holds', judgement: { ...judged, verdict } }
  const what =
    cwdNow === cwd
      ? (differenceOf(row.bound, bound) ?? `${changed} since it was cleared`)
      : `its directory was replaced: ${cwdNow}`
  return {
    kind: 'changed',
    verdict: { ...verdict, level: 'REVIEW', reasons: [what, ...verdict.reasons] },
    what,
    digest,
    bound,
  }
}
