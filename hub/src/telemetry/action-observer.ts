import type { ActionResult, ActionState, TrustLevel } from '@centralpost/shared'

/** A request that is in the ledger now, in its first state. */
export interface TakenIn {
  readonly executionId: number
  readonly agentId: string
  readonly actionId: string
  readonly command: string
  readonly level: TrustLevel | null
  readonly state: ActionState
  readonly at: number
}

/**
 * What is told of every action, after the ledger has it. An observer must be quick and must not throw; it changes
 * nothing.
 */
export interface ActionObserver {
  /** A request came in. */
  takenIn?(action: TakenIn): void
  /** A request came that is known, or was refused because of what it names. */
  repeated?(outcome: 'known' | 'conflict' | 'full'): void
  /** An action was moved on to a state that is not its end. */
  stepped?(executionId: number, to: ActionState, at: number): void
  /** What a running action was to do is done; its end is about to be recorded. */
  ending?(executionId: number): void
  /** An action has ended, and its result is in the ledger. */
  ended?(executionId: number, result: ActionResult): void
  /** The broker has confirmed results. */
  published?(executionIds: readonly number[]): void
  /** The ledger has written; `seconds` is how long that took, with the wait for others that were written along. */
  wrote?(seconds: number): void
}
