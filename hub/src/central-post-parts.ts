import type { ActionParts } from './action/action-parts.ts'
import type { Admission, Incoming } from './action/admission.ts'
import type { ApprovalLimits } from './approval/approval-desk-parts.ts'
import type { ApprovalStore } from './history/ledger/approval-store.ts'

/** Everything that CentralPost needs from the rest of the hub. */
export interface CentralPostParts extends ActionParts {
  readonly admit: (incoming: Incoming) => Promise<Admission>
  readonly approvals: ApprovalStore
  readonly limits: ApprovalLimits & {
    readonly parallel: number
    readonly parallelPerAgent: number
    /** limit of queued actions per agent */
    readonly queuedPerAgent: number
  }
}
