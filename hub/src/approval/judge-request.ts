import type { Judgement } from '@centralpost/shared'
import type { Action } from '../action/action.ts'
import { boundOf } from '../action/bound-files.ts'
import { digestOf } from '../action/digest.ts'
import type { Judged } from '../action/first-record.ts'
import type { ActionParts } from '../action/action-parts.ts'
import { describeChoice } from '../execution/index.ts'
import type { ApprovalDesk } from './approval-desk.ts'

interface JudgedRequest {
  readonly action: Action
  readonly requestHash: string
  readonly judgement: Judgement
}

/** Adds to a verdict the binding of an approval, and the always rule that clears it. */
export async function judgeRequest(
  { action, requestHash, judgement }: JudgedRequest,
  desk: Pick<ApprovalDesk, 'neededFor' | 'rules'>,
  { whereIs, sandboxFor }: Pick<ActionParts, 'whereIs' | 'sandboxFor'>,
): Promise<Judged> {
  const { verdict } = judgement
  const isReview = verdict.level === 'REVIEW'
  const confinement = describeChoice(
    sandboxFor({ ...judgement, level: verdict.level, cwd: action.cwd }),
  )
  const context = { ...action, whereIs, sandbox: confinement }
  const bound = isReview ? await boundOf(judgement, context) : {}
  const digest = digestOf({ ...action, plan: verdict.plan, bound })
  const judged = { action, requestHash, verdict, bound, digest, rule: null }
  if (!isReview || desk.neededFor(verdict) !== 1) return judged
  const subject = { ...action, ...judgement, bound }
  const found = await desk.rules.find(action.agentId, action.workflowId, subject)
  const reasons = found.because === null ? [] : [found.because]
  return {
    ...judged,
    rule: found.rule,
    verdict: { ...verdict, reasons: [...reasons, ...verdict.reasons] },
  }
}
