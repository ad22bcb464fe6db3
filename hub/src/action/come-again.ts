/** Why a request that is in order is not taken in now, and when it may be made again. */
export interface ComeAgain {
  readonly reason: string
  /** seconds, at least one */
  readonly retryAfter: number
}

export interface FullLine {
  readonly agentId: string
  /** what the actions of the agent that fill the line wait for */
  readonly state: 'pending' | 'queued'
  readonly waiting: number
  /** how long one of those will wait at most, or is expected to, in milliseconds */
  readonly waitMs: number
}

const longestSeconds = 3600

/** The answer to an agent of which as many actions wait as may. Its id is used up: the next request needs another. */
export function lineIsFull({ agentId, state, waiting, waitMs }: FullLine): ComeAgain {
  const retryAfter = Math.min(longestSeconds, Math.max(1, Math.ceil(waitMs / 1000)))
  const what =
    state === 'pending'
      ? `wait for a person already, and no more may; a place is free when one is decided, in ${retryAfter} s at the latest`
      : `wait for their turn to run already, and no more may; a place should be free in about ${retryAfter} s`
  return {
    reason: `${waiting} actions of "${agentId}" ${what}: ask again then, under a new action_id`,
    retryAfter,
  }
}
