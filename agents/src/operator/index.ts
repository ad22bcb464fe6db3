/**
 * Operators and their types. The hub's answers are the wire's own messages, so their fields are in
 * snake_case (`action_id`, `decided_by`); options and methods are in camelCase.
 *
 * ```ts
 * await using operator = await Operator.connect({ name: 'alice' })
 * for (const { action_id, command } of await operator.pending()) console.log(action_id, command)
 * ```
 */
export {
  Operator,
  type AcceptOptions,
  type ApproveOptions,
  type ShownProposal,
} from './operator.ts'
export type {
  ExportQuery,
  HistoryQuery,
  OutputQuery,
  OverviewQuery,
  PatternsQuery,
} from './questions.ts'
export { PendingWatch, type Gone, type PendingChange, type PendingFilter } from './pending-watch.ts'
export type { TailedEvent, TailedKind, TailFilter } from './tail.ts'
export type { SpokeOptions } from '../spoke/spoke.ts'
export {
  CentralPostError,
  isCentralPostError,
  silentLogger,
  type ActionApproved,
  type ActionDenied,
  type ActionDetail,
  type ActionOutput,
  type ActionResult,
  type ActionStart,
  type AlwaysDecision,
  type AlwaysRule,
  type AlwaysScope,
  type ApprovalNeeded,
  type AuditEvent,
  type BusCredentials,
  type CommandPattern,
  type HistoryEntry,
  type HubStatus,
  type Logger,
  type Overview,
  type Problem,
  type ProblemCode,
  type Proposal,
  type Risk,
  type RuleChanged,
  type Subscription,
  type TrustLevel,
  type Verdict,
} from '@centralpost/shared'
