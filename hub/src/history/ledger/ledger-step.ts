import type { ActionResult, ActionState, AuditKind } from '@centralpost/shared'
import type { Selectable } from 'kysely'
import type { ActionResultTable } from '../store/schema.ts'
import type { Changes, Execution } from '../store/execution.ts'

/** Kind and data of an audit event. */
export interface ActionEvent {
  readonly kind: AuditKind
  readonly data?: Readonly<Record<string, unknown>>
}

/** The terminal message of a final state. */
export interface Terminal {
  readonly subject: string
  /** false: published to subscribers, but kept out of the result stream @default true */
  readonly stored?: boolean
  /** time of the broker's confirmation, in milliseconds since 1970; absent: unconfirmed */
  readonly publishedAt?: number
  readonly result: (executionId: number) => ResultText
}

/** A result with its serialised text: the ledger stores exactly the bytes that the broker gets. */
export interface ResultText {
  readonly result: ActionResult
  readonly text: string
}

export function asText(result: ActionResult): ResultText {
  return { result, text: JSON.stringify(result) }
}

export type InsertOutcome =
  | { readonly kind: 'new'; readonly executionId: number }
  | { readonly kind: 'known'; readonly action: Execution }
  | { readonly kind: 'conflict'; readonly action: Execution }
  /** the agent's limit of actions in that state is reached */
  | { readonly kind: 'full'; readonly waiting: number }

/** Replaces the request hash where only the result is known. */
export const unknownRequest = 'unknown'

/** One conditional update: from any of `from` to `to`. */
export interface Transition {
  readonly from: readonly ActionState[]
  readonly to: ActionState
  readonly changes: Changes
  readonly at: number
  readonly told: ActionEvent
  /**
   * further conditions on the row, besides its state: the step applies only to what was decided on
   */
  readonly where?: { readonly digest?: string | null; readonly deadline?: number | null }
}

export type UnpublishedResult = Omit<Selectable<ActionResultTable>, 'sealed'>
