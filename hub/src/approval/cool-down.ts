import type { ComeAgain } from '../action/come-again.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import { isoOf } from '@centralpost/shared'

export interface CoolDownParts {
  readonly ledger: Pick<Ledger, 'latestDenials'>
  readonly limits: {
    /** so many denials by persons within `coolDownMs`, and the agent must wait before it may ask again */
    readonly denialsToCoolDown: number
    readonly coolDownMs: number
    readonly pendingPerAgent: number
  }
  readonly now: () => number
}

/** Why an agent may not ask for an approval now, or null: it was denied too often. */
export async function coolDownOf(agentId: string, parts: CoolDownParts): Promise<ComeAgain | null> {
  const { denialsToCoolDown, coolDownMs, pendingPerAgent } = parts.limits
  // one denial refuses as many as may wait, at most
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
