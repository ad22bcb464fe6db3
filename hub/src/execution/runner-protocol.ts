import type { LogFields, LogLevel } from '@centralpost/shared'
import type { ExecutorOptions, ExecutorSettings } from './executor-options.ts'
import type { EndReason, Outcome, OutputChunk, Run, Survivor } from './run.ts'
import type { Leader } from './processes/leader.ts'

/** What a runner is told once, before anything else. */
export interface RunnerSettings
  extends
    Omit<ExecutorSettings, 'passEnv' | 'runners'>,
    Pick<ExecutorOptions, 'sandbox' | 'limits' | 'groups'> {
  /** Folder for output that is too long for a result. */
  readonly spoolDir: string
  /** What the processes of this hub bear in their environment. */
  readonly marker: string
  /** The hub's own variables that commands get: a runner never sees the others. */
  readonly env: Readonly<Record<string, string>>
}

/** What the hub says to a runner. Plain JSON; messages keep their order. */
export type ToRunner =
  | { readonly kind: 'settings'; readonly settings: RunnerSettings }
  | {
      readonly kind: 'run'
      readonly runId: string
      readonly run: Run
      /** Whether anybody listens to the output while it comes. */
      readonly isLive: boolean
    }
  | { readonly kind: 'end'; readonly runId: string; readonly reason: EndReason }
  /** how long commands may run without another word of the hub's, by the machine's clock (`bootMs`) */
  | { readonly kind: 'lease'; readonly untilBootMs: number }
  | { readonly kind: 'ping' }
  | ({ readonly kind: 'sweep'; readonly sweepId: number } & Sweep)

/** What is left of a run whose runner died. */
export interface LostRun {
  readonly runId: string
  /** The process that it began with; null where it was not told to have started. */
  readonly leader: Leader | null
}

/**
 * Which processes are to be ended: those of a run whose runner died, or what dead hubs have left, their runners among
 * it, but not the runs `except`. Such a hub bore the same mark, or one of `markers`.
 */
export type Sweep =
  | { readonly lost: LostRun }
  | { readonly except: readonly string[]; readonly markers: readonly string[] }

/** What a runner says to its hub. For each `run` there is exactly one `outcome`, after all else about it. */
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
