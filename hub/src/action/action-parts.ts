import type { Judgement, Logger } from '@centralpost/shared'
import type { JudgedCommand, Outcome, ProfileChoice, Run, RunControls } from '../execution/index.ts'
import type { Terminal } from '../history/ledger/ledger-step.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Announcer } from './announcer.ts'
import type { RecordedResult } from './end-action.ts'

/** Everything that the steps of an action need from the rest of the hub. */
export interface ActionParts {
  readonly hubId: string
  readonly judge: (
    command: string | readonly string[],
    context: { cwd: string; env: Readonly<Record<string, string>> },
  ) => Judgement
  /** the current policy; an action judged by another policy is judged again before its start */
  readonly policy: () => string
  readonly ledger: Ledger
  readonly executeCommand: (run: Run, controls: RunControls) => Promise<Outcome>
  /** resolves the directory's real path; throws if it is gone */
  readonly checkCwd: (cwd: string) => Promise<string>
  /** the path of a program as the executor finds it; null when missing */
  readonly whereIs: (program: string, cwd: string, venv?: string) => string | null
  /** the confinement of a judged command */
  readonly sandboxFor: (judged: JudgedCommand) => ProfileChoice
  readonly computeCommandHash: (command: string) => string
  readonly announce: Announcer
  /** hands a newly recorded result to the outbox */
  readonly publishResult: (item: RecordedResult) => void
  /** resends a stored result on request; answers from the record once it is deleted */
  readonly publishAgain: (executionId: number, ended?: Terminal) => Promise<void>
  /** notifies the outbox of results in the ledger */
  readonly publishResults: () => void
  readonly now: () => number
  readonly log: Logger
}
