import type {
  ActionDenied,
  ActionOutput,
  ActionStart,
  ApprovalNeeded,
  ErrorCategory,
  Logger,
  OutputStream,
  Plan,
  Verdict,
} from '@centralpost/shared'
import type { Admission, Incoming } from './admission.ts'
import type { ApprovalLimits } from './approval/approval-desk.ts'
import type { ApprovalStore } from './history/approval-store.ts'
import type { Ledger } from './history/ledger.ts'

/** One run of a cleared action, as the executor takes it. */
export interface Run {
  readonly actionId: string
  readonly plan: Plan
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface RunControls {
  /** its abort cancels the run */
  readonly signal: AbortSignal
  readonly onOutput?: (chunk: {
    readonly seq: number
    readonly stream: OutputStream
    readonly data: string
    readonly skippedBytes?: number
  }) => void
}

/** How a run ended. An ordinary ending is a value, whatever it was. */
export interface Outcome {
  readonly status: 'completed' | 'failed' | 'timed_out' | 'cancelled' | 'interrupted'
  readonly exitCode: number | null
  readonly signal: string | null
  readonly stdout: { readonly text: string; readonly bytes: number }
  readonly stderr: { readonly text: string; readonly bytes: number }
  readonly truncated: boolean
  readonly outputRef: string | null
  readonly durationMs: number
  readonly errorCategory: ErrorCategory | null
  readonly venvActive: boolean
  readonly warnings: readonly string[]
  readonly reason: string | null
}

/** Where the hub says what happens (core NATS: who listens, hears). */
export interface Announcer {
  approvalNeeded(message: ApprovalNeeded): void
  denied(message: ActionDenied): void
  started(message: ActionStart): void
  output(message: ActionOutput): void
}

/** What CentralPost needs from the rest of the hub, and nothing more. */
export interface CentralPostParts {
  readonly hubId: string
  readonly admit: (incoming: Incoming) => Promise<Admission>
  readonly classifyCommand: (
    command: string | readonly string[],
    context: { cwd: string; env: Readonly<Record<string, string>> },
  ) => Verdict
  /** the policy in force: an action judged by another is judged again before it starts */
  readonly policy: () => string
  readonly ledger: Ledger
  readonly approvals: ApprovalStore
  readonly executeCommand: (run: Run, controls: RunControls) => Promise<Outcome>
  /** the real path of the directory now; a throw when it is gone */
  readonly checkCwd: (cwd: string) => Promise<string>
  /** where the executor would find a program; null when it would not */
  readonly whereIs: (program: string, cwd: string) => string | null
  readonly computeCommandHash: (command: string) => string
  readonly announce: Announcer
  /** tells the outbox that results wait in the ledger */
  readonly publishResults: () => void
  readonly limits: ApprovalLimits & {
    readonly parallel: number
    readonly parallelPerAgent: number
  }
  readonly now: () => number
  readonly log: Logger
}
