import type { ActionState, ResultStatus, TrustLevel } from '@centralpost/shared'

/** What agents ask for, each with its own fate. */
export const requestClasses = [
  'safe',
  'safe-slow',
  'approved',
  'approved-slow',
  'forking',
  'cancelled-waiting',
  'cancelled-running',
  'denied',
  'expiring',
  'blocked',
  'malformed',
] as const
export type RequestClass = (typeof requestClasses)[number]

/** A request of a round, as its agent knows it. */
export interface Sent {
  readonly actionId: string
  readonly agentId: string
  readonly class: RequestClass
  readonly command: string
  /** how often it was handed to the broker, confirmed or not */
  published: number
  /** when the broker confirmed it first, in milliseconds since the round began; null: never */
  confirmedAt: number | null
  /** whether something else was sent under its id afterwards */
  isReused: boolean
  /** what its agent was told when it asked at the end; null: no hub knows the id */
  told: { readonly state: ActionState; readonly executionId: number | null } | null
}

/** A copy of a result that an agent heard. */
export interface Heard {
  readonly agentId: string
  readonly actionId: string
  readonly executionId: number | null
  readonly status: ResultStatus
}

/** A line that a command wrote: by its start, and again while it runs. */
export interface Mark {
  readonly actionId: string
  readonly kind: 'start' | 'tick'
  /** milliseconds since 1970 */
  readonly at: number
}

export interface LedgerRow {
  readonly execution_id: number
  readonly action_id: string
  readonly agent_id: string
  readonly command: string
  readonly status: ActionState
  readonly trust_level: TrustLevel | null
  readonly finished_at: number | null
}

export interface LedgerEvent {
  readonly seq: number
  readonly timestamp: number
  readonly execution_id: number | null
  readonly agent_id: string
  readonly action_id: string
  readonly kind: string
  readonly data: string
  readonly prev_hash: string
  readonly hash: string
}

/** All that is left of a round, for the checker. */
export interface Evidence {
  readonly sent: readonly Sent[]
  readonly heard: readonly Heard[]
  readonly marks: readonly Mark[]
  readonly rows: readonly LedgerRow[]
  readonly events: readonly LedgerEvent[]
  /** results in the ledger that the broker has not confirmed */
  readonly unpublished: number
  /** processes of the round that live after its end, by what they are */
  readonly survivors: readonly string[]
  /** how the hub ended when it was told to stop; null: it had to be killed */
  readonly stopCode: number | null
  /** what the hub itself says of its audit chain */
  readonly saysIntact: boolean
  /** when the broker's storage was wiped, in milliseconds since the round began */
  readonly wipedAt: number | null
  /** how many faults may have come between a message and its confirmation */
  readonly faults: number
  /** whether the hub's clock was set: then its times cannot be compared with those of commands */
  readonly wasClockSet: boolean
}
