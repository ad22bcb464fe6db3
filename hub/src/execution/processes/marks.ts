/**
 * Variables that every process of a run inherits, wherever it goes: by them the executor finds what left the
 * process group. Agent and action say which action (an agent chose its name, another may choose the same), the run is
 * unique.
 */
export const markNames = {
  action: 'CENTRALPOST_ACTION',
  agent: 'CENTRALPOST_AGENT',
  hub: 'CENTRALPOST_HUB',
  run: 'CENTRALPOST_RUN',
  /** Borne by a runner and by nothing that it runs: the hub whose runner it is. */
  runnerOf: 'CENTRALPOST_RUNNER_OF',
} as const

/** What a process's environment says of where it comes from. */
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
