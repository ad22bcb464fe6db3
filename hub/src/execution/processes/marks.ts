/**
 * Variables inherited by every process of a run: they reveal processes that left the process group.
 * Agent and action are not unique (agents choose ids, and two may choose the same); the run is.
 */
export const markNames = {
  action: 'CENTRALPOST_ACTION',
  agent: 'CENTRALPOST_AGENT',
  hub: 'CENTRALPOST_HUB',
  run: 'CENTRALPOST_RUN',
  /** Marks a runner, and none of its commands: the hub it belongs to. */
  runnerOf: 'CENTRALPOST_RUNNER_OF',
} as const

/** The origin of a process, from its environment. */
export interface Marks {
  readonly actionId?: string
  readonly agentId?: string
  readonly hubId?: string
  readonly runId?: string
  readonly runnerOf?: string
}

/** The marks of a run. */
export type RunMarks = Required<Omit<Marks, 'runnerOf'>>

/** The marks of a run as environment variables. */
export function markVariables(marks: RunMarks): Record<string, string> {
  return {
    [markNames.action]: marks.actionId,
    [markNames.agent]: marks.agentId,
    [markNames.hub]: marks.hubId,
    [markNames.run]: marks.runId,
  }
}
