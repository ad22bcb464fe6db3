import type { ErrorCategory, OutputStream, Plan } from '@centralpost/shared'
import type { ProfileChoice } from './sandbox/policy.ts'
import type { Profile } from './sandbox/profiles.ts'

/** One command to execute, as cleared. */
export interface Run {
  readonly actionId: string
  readonly agentId: string
  readonly plan: Plan
  /** A folder returned by `checkCwd`. */
  readonly cwd: string
  /** The request's variables, accepted by `checkRequestEnv`. The plan's own override them. */
  readonly env: Readonly<Record<string, string>>
  /** Reduced to the configured maximum; the configured default unless above 0. */
  readonly timeoutMs: number
  /**
   * Whether it runs without approval: a system program's name then never starts a file of a
   * project.
   *
   * @default false
   */
  readonly isUnattended?: boolean
  /** The confinement; absent: none. */
  readonly confinement?: ProfileChoice
}

/** The confinement of a run; `reason` explains missing or weaker confinement. */
export interface AppliedSandbox {
  readonly profile: Profile
  readonly reason: string | null
}

/** A piece of output. `seq` counts from 0 over both streams. */
export interface OutputChunk {
  readonly seq: number
  readonly stream: OutputStream
  readonly data: string
  /** Bytes omitted before this chunk because they came too fast. */
  readonly skippedBytes?: number
}

export interface RunControls {
  /** Aborting cancels the run; the reason names the canceller. */
  readonly signal?: AbortSignal
  readonly onStart?: (pid: number) => void
  readonly onOutput?: (chunk: OutputChunk) => void
}

/** One stream in a result; `bytes` counts everything kept, here or in the spool. */
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

/** The end of a run. Every ordinary outcome is a value; none is thrown. */
export interface Outcome {
  readonly status: OutcomeStatus
  readonly exitCode: number | null
  readonly signal: string | null
  readonly success: boolean
  readonly stdout: Captured
  readonly stderr: Captured
  /** Whether a text above is incomplete. */
  readonly truncated: boolean
  /** The argument of `readOutput`; null when the texts above are complete. */
  readonly outputRef: string | null
  readonly durationMs: number
  readonly errorCategory: ErrorCategory | null
  readonly cwd: string
  readonly venvActive: boolean
  /** Null if nothing was started. */
  readonly sandbox: AppliedSandbox | null
  readonly warnings: readonly string[]
  /** The cause, where exit code and output do not show it. */
  readonly reason: string | null
}

/** Why the executor ended a run. The first reason wins. */
export interface EndReason {
  readonly status: Exclude<OutcomeStatus, 'completed'>
  readonly category: ErrorCategory
  readonly text: string
}

/** A process left behind by a run whose hub or runner died. */
export interface Survivor {
  readonly pid: number
  /** Action and agent: null if its environment no longer names them. */
  readonly actionId: string | null
  readonly agentId: string | null
  readonly name: string
  /** The signal it took. */
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

/**
 * The outcome of a run of which only the end reason is known.
 *
 * @param durationMs its duration so far
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
