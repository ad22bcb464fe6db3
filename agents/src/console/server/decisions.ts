import {
  type acceptCallSchema,
  approveCallSchema,
  cancelCallSchema,
  type decisionReplySchema,
  denyCallSchema,
  isCentralPostError,
  type Logger,
  type Problem,
} from '@centralpost/shared'
import { z } from 'zod'
import type { Operator } from '../../operator/operator.ts'
import type { ActionKey } from '../wire/feed-message.ts'

const mostAtOnce = 500
const named = { action_id: approveCallSchema.shape.action_id, agent_id: z.string().min(1).max(64) }

/** Bulk approvals. Each carries the digest that was shown: nothing else is approved. */
export const approveManySchema = z.strictObject({
  actions: z
    .array(z.strictObject({ ...named, digest: z.string().min(1).max(256) }))
    .min(1)
    .max(mostAtOnce),
  decision: approveCallSchema.shape.decision,
  scope: approveCallSchema.shape.scope,
  expires_in: approveCallSchema.shape.expires_in,
  comment: approveCallSchema.shape.comment,
})
export const denyManySchema = z.strictObject({
  actions: z.array(z.strictObject(named)).min(1).max(mostAtOnce),
  reason: denyCallSchema.shape.reason,
  suggestion: denyCallSchema.shape.suggestion,
})
export const cancelSchema = z.strictObject({ ...named, reason: cancelCallSchema.shape.reason })

type Decision = z.infer<typeof decisionReplySchema>

/** The outcome of each: a decision, or the reason for a failure. */
export interface DecisionOutcome extends ActionKey {
  readonly decision: Decision | null
  readonly problem: Problem | null
}

/**
 * Decisions of an operator's page, made under the operator's name as the broker has authenticated
 * it.
 */
export class Decisions {
  readonly #operator: Operator
  readonly #log: Logger

  constructor(operator: Operator, log: Logger) {
    this.#operator = operator
    this.#log = log
  }

  approve(call: z.output<typeof approveManySchema>): Promise<DecisionOutcome[]> {
    const { actions, decision, scope, expires_in: expiresInSeconds, comment } = call
    return this.#each('approve', actions, ({ action_id, agent_id, digest }) =>
      this.#operator.approve(action_id, {
        agentId: agent_id,
        digest,
        decision,
        ...(scope !== undefined && { scope }),
        ...(expiresInSeconds !== undefined && { expiresInSeconds }),
        ...(comment !== undefined && { comment }),
      }),
    )
  }

  deny(call: z.output<typeof denyManySchema>): Promise<DecisionOutcome[]> {
    const { actions, reason, suggestion } = call
    return this.#each('deny', actions, ({ action_id, agent_id }) =>
      this.#operator.deny(action_id, reason, {
        agentId: agent_id,
        ...(suggestion !== undefined && { suggestion }),
      }),
    )
  }

  /** Makes a proposed rule, exactly as the page showed it. */
  async accept(call: z.output<typeof acceptCallSchema>) {
    const { action_id, expires_in: expiresInSeconds, least, since, comment } = call
    const rule = await this.#operator.acceptProposal(
      { ...call, support: [{ action_id }] },
      {
        least,
        ...(since !== undefined && { since }),
        ...(expiresInSeconds !== undefined && { expiresInSeconds }),
        ...(comment !== undefined && { comment }),
      },
    )
    this.#log.info('a proposed rule made from the page', { ruleId: rule.rule_id })
    return { rule }
  }

  cancel({ action_id, agent_id, reason }: z.output<typeof cancelSchema>) {
    this.#log.info('cancel from the page', { actionId: action_id, agentId: agent_id })
    return this.#operator.cancel(action_id, {
      agentId: agent_id,
      ...(reason !== undefined && { reason }),
    })
  }

  /**
   * One at a time: identical requests share one decision, and the second must find the first made.
   */
  async #each<T extends ActionKey>(
    what: string,
    actions: readonly T[],
    decide: (action: T) => Promise<Decision>,
  ): Promise<DecisionOutcome[]> {
    const outcomes: DecisionOutcome[] = []
    for (const action of actions) {
      const { action_id, agent_id } = action
      try {
        outcomes.push({ action_id, agent_id, decision: await decide(action), problem: null })
        this.#log.info(`${what} from the page`, { actionId: action_id, agentId: agent_id })
      } catch (error) {
        if (!isCentralPostError(error)) throw error
        outcomes.push({ action_id, agent_id, decision: null, problem: error.toProblem() })
        // the rest would only wait for the same timeout
        if (error.code === 'unavailable') break
      }
    }
    return outcomes
  }
}
