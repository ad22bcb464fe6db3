import type { Judgement, Logger } from '@centralpost/shared'
import type { JudgedCommand, Outcome, ProfileChoice, Run, RunControls } from '../execution/index.ts'
import type { Terminal } from '../history/ledger/ledger-step.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Announcer } from './announcer.ts'
import type { RecordedResult } from './end-action.ts'

/** What the steps of an action need from the rest of the hub, and nothing more. */
export interface ActionParts {
  readonly hubId: string
  readonly judge: (
    command: string | readonly string[],
    context: { cwd: string; env: Readonly<Record<string, string>> },
  ) => Judgement
  /** the policy in force: an action judged by another is judged again before it starts */
  readonly policy: () => string
  readonly ledger: Ledger
  readonly executeCommand: (run: Run, controls: RunControls) => Promise<Outcome>
  /** the real path of the directory now; a throw when it is gone */
  readonly checkCwd: (cwd: string) => Promise<string>
  /** where the executor would find a program; null when it would not */
  readonly whereIs: (program: string, cwd: string, venv?: string) => string | null
  /** how what was judged so will be confined */
  readonly sandboxFor: (judged: JudgedCommand) => ProfileChoice
  readonly computeCommandHash: (command: string) => string
  readonly announce: Announcer
  /** hands a result that has just been recorded to the outbox */
  readonly publishResult: (item: RecordedResult) => void
  /** sends a stored result once more, since its agent asked again; what it is when it is no longer kept */
  readonly publishAgain: (executionId: number, ended?: Terminal) => Promise<void>
  /** tells the outbox that results wait in the ledger */
  readonly publishResults: () => void
  readonly now: () => number
  readonly log: Logger
}
