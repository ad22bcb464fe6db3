import type { RiskLevel } from '@centralpost/shared'
import type { ConcludeParts } from '../action/end-action.ts'
import type { ApprovalStore } from '../history/ledger/approval-store.ts'
import type { Execution } from '../history/store/execution.ts'
import type { Always } from './rule-book.ts'
import type { Judge } from './rule-subject.ts'
import type { Announcer } from '../action/announcer.ts'

/** Who decides, as the broker has authenticated them, and what they say to it. */
export interface Decision {
  readonly by: string
  readonly reason?: string | undefined
  readonly suggestion?: string | undefined
}

export interface ApprovalLimits {
  readonly pendingMs: number
  readonly executeWithinMs: number
  readonly pendingPerAgent: number
  /** so many denials by persons within `coolDownMs`, and the agent must wait before it may ask again */
  readonly denialsToCoolDown: number
  readonly coolDownMs: number
  /** how many operators must approve, by risk */
  readonly quorum: Readonly<Record<RiskLevel, number>>
  readonly ruleMs: number
  readonly maxRuleMs: number
  /** whether an operator may approve what they asked for themselves, as the agent `operator-<name>` */
  readonly selfApproval: () => Promise<boolean>
}

/** What an operator says with an approval. */
export interface ApproveOptions {
  /** what they were shown; another one clears nothing */
  readonly digest?: string | undefined
  readonly always?: Always | undefined
  /** clears every pending action that is the same as well */
  readonly same?: boolean | undefined
}

export interface ApprovalDeskParts extends ConcludeParts {
  readonly approvals: ApprovalStore
  readonly announce: Announcer
  readonly limits: ApprovalLimits
  readonly now: () => number
  /** hands an approved action on to run */
  readonly release: (row: Execution) => void
  readonly judge: Judge
  /** whether an action stands in line because every place to run at is taken */
  readonly isInLine: (executionId: number) => boolean
}

export interface Decided {
  readonly row: Execution
  readonly approvals: readonly string[]
  readonly needed: number
  readonly ruleId: string | null
  readonly same: SameActions
}

/** What became of the pending actions that were the same as one that was decided. */
export interface SameActions {
  /** ids of those that were decided with it */
  readonly decided: readonly string[]
  /** how many wait on */
  readonly pending: number
}
