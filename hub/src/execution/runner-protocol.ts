import type { LogFields, LogLevel } from '@centralpost/shared'
import type { ExecutorOptions, ExecutorSettings } from './executor-options.ts'
import type { EndReason, Outcome, OutputChunk, Run, Survivor } from './run.ts'
import type { Leader } from './processes/leader.ts'

/** A runner's settings, sent once as the first message. */
export interface RunnerSettings
  extends
    Omit<ExecutorSettings, 'passEnv' | 'runners'>,
    Pick<ExecutorOptions, 'sandbox' | 'limits' | 'groups'> {
  /** Folder for outputs too long for a result. */
  readonly spoolDir: string
  /** The mark of this hub's processes. */
  readonly marker: string
  /** The hub's variables that commands get: a runner never sees the others. */
  readonly env: Readonly<Record<string, string>>
}

/** Messages from the hub to a runner. Plain JSON, in order. */
export type ToRunner =
  | { readonly kind: 'settings'; readonly settings: RunnerSettings }
  | {
      readonly kind: 'run'
      readonly runId: string
      readonly run: Run
      /** Whether live output has a listener. */
      readonly isLive: boolean
    }
  | { readonly kind: 'end'; readonly runId: string; readonly reason: EndReason }
  /** how long commands may run without a renewal, by the machine's clock (`bootMs`) */
  | { readonly kind: 'lease'; readonly untilBootMs: number }
  | { readonly kind: 'ping' }
  | ({ readonly kind: 'sweep'; readonly sweepId: number } & Sweep)

/** The remains of a run whose runner died. */
export interface LostRun {
  readonly runId: string
  /** Its first process; null if its start was never reported. */
  readonly leader: Leader | null
}

/**
 * The processes to end: those of a run whose runner died, or leftovers of dead hubs, including
 * their runners, except the runs in `except`. Dead hubs used the same mark, or one of `markers`.
 */
export type Sweep =
  | { readonly lost: LostRun }
  | { readonly except: readonly string[]; readonly markers: readonly string[] }

/**
 * Messages from a runner to its hub. For each `run` there is exactly one `outcome`, after
 * everything else about it.
 */
export type FromRunner =
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'started'; readonly runId: string; readonly leader: Leader }
  | { readonly kind: 'output'; readonly runId: string; readonly chunk: OutputChunk }
  | { readonly kind: 'outcome'; readonly runId: string; readonly outcome: Outcome }
  | { readonly kind: 'swept'; readonly sweepId: number; readonly ended: readonly Survivor[] }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly fields: LogFields
    }
