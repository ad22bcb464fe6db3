/** Why a valid request is refused for now, and when to retry. */
export interface ComeAgain {
  readonly reason: string
  /** seconds, at least one */
  readonly retryAfter: number
}

export interface FullLine {
  readonly agentId: string
  /** what the agent's queued actions wait for */
  readonly state: 'pending' | 'queued'
  readonly waiting: number
  /** the expected or maximal wait of one of them, in milliseconds */
  readonly waitMs: number
}

const longestSeconds = 3600

/**
 * The refusal for an agent at its limit of waiting actions. Its id is used up: the next request
 * needs another.
 */
export function lineIsFull({ agentId, state, waiting, waitMs }: FullLine): ComeAgain {
  const retryAfter = Math.min(longestSeconds, Math.max(1, Math.ceil(waitMs / 1000)))
  const what =
    state === 'pending'
      ? `wait for approval already, which is the limit; one leaves the queue in ${retryAfter} s at the latest`
      : `are queued already, which is the limit; a slot should be free in about ${retryAfter} s`
  return {
    reason: `${waiting} actions of "${agentId}" ${what}: retry then, under a new action_id`,
    retryAfter,
  }
}
