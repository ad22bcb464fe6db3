import type { ActionResult, ActionState, TrustLevel } from '@centralpost/shared'

/** A request now in the ledger, in its first state. */
export interface ObservedAction {
  readonly executionId: number
  readonly agentId: string
  readonly actionId: string
  readonly command: string
  readonly level: TrustLevel | null
  readonly state: ActionState
  readonly at: number
}

/**
 * Reports on every action, after the ledger write. An observer must be quick and must not throw; it
 * changes nothing.
 */
export interface ActionObserver {
  /** A request was taken in. */
  takenIn?(action: ObservedAction): void
  /** A request was a repeat, or was refused for its content. */
  repeated?(outcome: 'known' | 'conflict' | 'full'): void
  /** An action moved to a non-final state. */
  stepped?(executionId: number, to: ActionState, at: number): void
  /** A running action's command has ended; its end is about to be recorded. */
  ending?(executionId: number): void
  /** An action has ended, and its result is in the ledger. */
  ended?(executionId: number, result: ActionResult): void
  /** The broker has confirmed results. */
  published?(executionIds: readonly number[]): void
  /**
   * The ledger has written; `seconds` is the duration, including the wait for writes in the same
   * batch.
   */
  wrote?(seconds: number): void
}
