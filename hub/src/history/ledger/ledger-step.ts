import type { ActionResult, ActionState, AuditKind } from '@centralpost/shared'
import type { Selectable } from 'kysely'
import type { ActionResultTable } from '../store/schema.ts'
import type { Changes, Execution } from '../store/execution.ts'

/** What an audit event tells besides who, what and when. */
export interface Told {
  readonly kind: AuditKind
  readonly data?: Readonly<Record<string, unknown>>
}

/** The terminal message that goes with a terminal state. */
export interface Terminal {
  readonly subject: string
  /** false: handed to who listens, but not kept in the result stream @default true */
  readonly stored?: boolean
  /** when the broker confirmed it, in milliseconds since 1970; absent: it has not */
  readonly publishedAt?: number
  readonly result: (executionId: number) => ResultText
}

/** A result with its text. That is made once: what the ledger stores is what the broker gets. */
export interface ResultText {
  readonly result: ActionResult
  readonly text: string
}

export function asText(result: ActionResult): ResultText {
  return { result, text: JSON.stringify(result) }
}

export type Intake =
  | { readonly kind: 'new'; readonly executionId: number }
  | { readonly kind: 'known'; readonly action: Execution }
  | { readonly kind: 'conflict'; readonly action: Execution }
  /** as many of the agent as may be are in that state already */
  | { readonly kind: 'full'; readonly waiting: number }

/** Instead of the hash of a request, where only its result is known. */
export const unknownRequest = 'unknown'

/** One conditional update: from any of `from` to `to`. */
export interface Step {
  readonly from: readonly ActionState[]
  readonly to: ActionState
  readonly changes: Changes
  readonly at: number
  readonly told: Told
  /** what the row must still say, besides its state: what was decided on, is stepped on */
  readonly only?: { readonly digest?: string | null; readonly deadline?: number | null }
}

export type OutboxItem = Omit<Selectable<ActionResultTable>, 'sealed'>
