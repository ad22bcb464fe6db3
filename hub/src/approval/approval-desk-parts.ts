import type { RiskLevel } from '@centralpost/shared'
import type { EndActionParts } from '../action/end-action.ts'
import type { ApprovalStore } from '../history/ledger/approval-store.ts'
import type { Execution } from '../history/store/execution.ts'
import type { Always } from './rule-book.ts'
import type { JudgeCommand } from './rule-subject.ts'
import type { Announcer } from '../action/announcer.ts'

/** The deciding operator, as authenticated by the broker, with their comment. */
export interface Decision {
  readonly by: string
  readonly reason?: string | undefined
  readonly suggestion?: string | undefined
}

export interface ApprovalLimits {
  readonly pendingMs: number
  readonly executeWithinMs: number
  readonly pendingPerAgent: number
  /** number of denials by persons within `coolDownMs` after which the agent must pause */
  readonly denialsToCoolDown: number
  readonly coolDownMs: number
  /** number of required approvals, by risk */
  readonly quorum: Readonly<Record<RiskLevel, number>>
  readonly ruleMs: number
  readonly maxRuleMs: number
  /** whether operators may approve their own requests, made as the agent `operator-<name>` */
  readonly selfApproval: () => Promise<boolean>
}

/** Options of an approval. */
export interface ApproveOptions {
  /** the digest that was shown; the approval covers no other */
  readonly digest?: string | undefined
  readonly always?: Always | undefined
  /** also clears every identical pending action */
  readonly same?: boolean | undefined
}

export interface ApprovalDeskParts extends EndActionParts {
  readonly approvals: ApprovalStore
  readonly announce: Announcer
  readonly limits: ApprovalLimits
  readonly now: () => number
  /** queues an approved action */
  readonly release: (row: Execution) => void
  readonly judge: JudgeCommand
  /** whether an action waits in the queue for a slot */
  readonly isInLine: (executionId: number) => boolean
}

export interface ApprovalOutcome {
  readonly row: Execution
  readonly approvals: readonly string[]
  readonly needed: number
  readonly ruleId: string | null
  readonly same: SameActions
}

/** The identical pending actions after a decision. */
export interface SameActions {
  /** ids of those decided along with it */
  readonly decided: readonly string[]
  /** number of those still waiting */
  readonly pending: number
}
