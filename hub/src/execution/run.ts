import type { ErrorCategory, OutputStream, Plan } from '@centralpost/shared'
import type { ProfileChoice } from './sandbox/policy.ts'
import type { Profile } from './sandbox/profiles.ts'

/** One command to carry out, as it was cleared. */
export interface Run {
  readonly actionId: string
  readonly agentId: string
  readonly plan: Plan
  /** A folder that `checkCwd` gave. */
  readonly cwd: string
  /** The request's variables, passed by `checkRequestEnv`. The plan's own win over them. */
  readonly env: Readonly<Record<string, string>>
  /** Cut to the configured maximum; the configured default where it is not above 0. */
  readonly timeoutMs: number
  /**
   * Whether nobody has cleared it: then no file of a project is started by the name of a program of the system's.
   *
   * @default false
   */
  readonly isUnattended?: boolean
  /** How it is confined; absent: not at all. */
  readonly confinement?: ProfileChoice
}

/** How a run was confined; `reason` says why not (more), where that is so. */
export interface AppliedSandbox {
  readonly profile: Profile
  readonly reason: string | null
}

/** A piece of output as it came. `seq` counts from 0 over both streams. */
export interface OutputChunk {
  readonly seq: number
  readonly stream: OutputStream
  readonly data: string
  /** How many bytes were left out before this chunk because they came too fast. */
  readonly skippedBytes?: number
}

export interface RunControls {
  /** Aborting cancels the run; its reason says who did. */
  readonly signal?: AbortSignal
  readonly onStart?: (pid: number) => void
  readonly onOutput?: (chunk: OutputChunk) => void
}

/** One stream as the result holds it; `bytes` counts all that was kept, here or in the spool. */
export interface Captured {
  readonly text: string
  readonly bytes: number
}

export const outcomeStatuses = [
  'completed',
  'failed',
  'timed_out',
  'cancelled',
  'interrupted',
] as const
export type OutcomeStatus = (typeof outcomeStatuses)[number]

/** How a run ended. Every ordinary ending is one of these; none is thrown. */
export interface Outcome {
  readonly status: OutcomeStatus
  readonly exitCode: number | null
  readonly signal: string | null
  readonly success: boolean
  readonly stdout: Captured
  readonly stderr: Captured
  /** Whether a text above leaves something out. */
  readonly truncated: boolean
  /** What `readOutput` takes; null where the texts above hold everything. */
  readonly outputRef: string | null
  readonly durationMs: number
  readonly errorCategory: ErrorCategory | null
  readonly cwd: string
  readonly venvActive: boolean
  /** Null where nothing was started. */
  readonly sandbox: AppliedSandbox | null
  readonly warnings: readonly string[]
  /** Why it ended so, where exit code and output do not say it. */
  readonly reason: string | null
}

/** Why the executor itself ended a run. The first reason stands. */
export interface EndReason {
  readonly status: Exclude<OutcomeStatus, 'completed'>
  readonly category: ErrorCategory
  readonly text: string
}

/** A process that a run had left behind when its hub or its runner died. */
export interface Survivor {
  readonly pid: number
  /** Action and agent: null where its environment no longer said so. */
  readonly actionId: string | null
  readonly agentId: string | null
  readonly name: string
  /** What it took to end it. */
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

/**
 * The outcome of a run of which nothing is known but why it ended.
 *
 * @param durationMs how long it had been under way
 */
export function outcomeWithout(
  run: Pick<Run, 'cwd'>,
  reason: EndReason,
  durationMs: number,
): Outcome {
  const nothing = { text: '', bytes: 0 }
  return {
    status: reason.status,
    exitCode: null,
    signal: null,
    success: false,
    stdout: nothing,
    stderr: nothing,
    truncated: false,
    outputRef: null,
    durationMs,
    errorCategory: reason.category,
    cwd: run.cwd,
    venvActive: false,
    sandbox: null,
    warnings: [],
    reason: reason.text,
  }
}
