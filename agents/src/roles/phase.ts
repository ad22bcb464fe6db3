/** What an agent is about at some position of its way: early ones look, later ones act, last ones check. */
export interface Phase {
  readonly name: string
  /** the phase goes up to this position, 0 to 1; the last one has 1 */
  readonly until: number
  /** whether only SAFE commands are asked for: what needs a person is put off to the next phase */
  readonly looksOnly: boolean
}

/** A kind of agent: the name it gives as `agent_type`, and its phases in order. */
export interface Role {
  readonly type: string
  readonly phases: readonly [Phase, ...Phase[]]
}

/** The phase of a role at a position from 0 to 1. */
export function phaseAt(role: Role, position: number): Phase {
  return role.phases.find((phase) => position < phase.until) ?? role.phases.at(-1) ?? role.phases[0]
}

/**
 * How far an agent is on its way.
 *
 * @param step counts from 0
 * @param length how many steps there are; without it, each step goes a fifth of what is left
 */
export function positionOf(step: number, length: number | undefined): number {
  if (length === undefined) return 1 - 0.8 ** step
  return length <= 1 ? 1 : Math.min(1, step / (length - 1))
}
