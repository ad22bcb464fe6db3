import type {
  ActionApproved,
  ActionDenied,
  ActionOutput,
  ActionStart,
  ApprovalNeeded,
  RuleChanged,
} from '@centralpost/shared'

/** Publishes events on core NATS; only current subscribers receive them. */
export interface Announcer {
  approvalNeeded(message: ApprovalNeeded): void
  approved(message: ActionApproved): void
  denied(message: ActionDenied): void
  started(message: ActionStart): void
  ruleChanged(message: RuleChanged): void
  /** @returns whether it was published; false when too much output is in flight */
  output(message: ActionOutput): boolean
}
