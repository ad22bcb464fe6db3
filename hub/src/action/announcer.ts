import type {
  ActionApproved,
  ActionDenied,
  ActionOutput,
  ActionStart,
  ApprovalNeeded,
  RuleChanged,
} from '@centralpost/shared'

/** Where the hub says what happens (core NATS: who listens, hears). */
export interface Announcer {
  approvalNeeded(message: ApprovalNeeded): void
  approved(message: ActionApproved): void
  denied(message: ActionDenied): void
  started(message: ActionStart): void
  ruleChanged(message: RuleChanged): void
  /** @returns whether it was told; false when too much is on its way already */
  output(message: ActionOutput): boolean
}
