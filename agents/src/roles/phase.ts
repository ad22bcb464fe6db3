/**
 * The mode of work at a position of the task: early phases look, later ones act, the last one
 * checks.
 */
export interface Phase {
  readonly name: string
  /** upper end of the phase, 0 to 1; 1 for the last phase */
  readonly until: number
  /** whether to request SAFE commands only: steps that need approval wait for the next phase */
  readonly looksOnly: boolean
}

/** A kind of agent: its `agent_type`, and its phases in order. */
export interface Role {
  readonly type: string
  readonly phases: readonly [Phase, ...Phase[]]
}

/** The phase of a role at a position from 0 to 1. */
export function phaseAt(role: Role, position: number): Phase {
  return role.phases.find((phase) => position < phase.until) ?? role.phases.at(-1) ?? role.phases[0]
}

/**
 * The progress of an agent.
 *
 * @param step counts from 0
 * @param length number of steps; if unknown, each step covers a fifth of the rest
 */
export function positionOf(step: number, length: number | undefined): number {
  if (length === undefined) return 1 - 0.8 ** step
  return length <= 1 ? 1 : Math.min(1, step / (length - 1))
}
