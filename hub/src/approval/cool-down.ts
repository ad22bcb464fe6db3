import type { ComeAgain } from '../action/come-again.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import { isoOf } from '@centralpost/shared'

export interface CoolDownParts {
  readonly ledger: Pick<Ledger, 'latestDenials'>
  readonly limits: {
    /** number of denials by persons within `coolDownMs` after which the agent must pause */
    readonly denialsToCoolDown: number
    readonly coolDownMs: number
    readonly pendingPerAgent: number
  }
  readonly now: () => number
}

/** Why an agent must pause before it requests approvals, or null. */
export async function coolDownOf(agentId: string, parts: CoolDownParts): Promise<ComeAgain | null> {
  const { denialsToCoolDown, coolDownMs, pendingPerAgent } = parts.limits
  // one denial ends at most all waiting actions
  const looked = denialsToCoolDown * pendingPerAgent
  const denials = await parts.ledger.latestDenials(agentId, denialsToCoolDown, looked)
  const since = denials.at(-1)
  const isHot = denials.length >= denialsToCoolDown && since !== undefined
  if (!isHot || parts.now() - since >= coolDownMs) return null
  const until = isoOf(since + coolDownMs)
  return {
    reason: `"${agentId}" was denied ${denials.length} times in a short while; ask for reviewed actions again after ${until}`,
    retryAfter: Math.max(1, Math.ceil((since + coolDownMs - parts.now()) / 1000)),
  }
}
