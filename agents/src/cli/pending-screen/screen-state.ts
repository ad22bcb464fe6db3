import type { AlwaysDecision, ApprovalNeeded } from '@centralpost/shared'
import { keyOf } from '../../operator/pending-watch.ts'

/** What is on the screen besides the list. What a mode acts on is what it was opened with. */
export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  | { readonly kind: 'full'; readonly asked: ApprovalNeeded; readonly from: number }
  | { readonly kind: 'deny'; readonly asked: ApprovalNeeded; readonly reason: string }
  | { readonly kind: 'always'; readonly asked: ApprovalNeeded }
  | { readonly kind: 'confirm'; readonly asked: ApprovalNeeded; readonly decision: Decision }

/** How an action is cleared, with what the person is told of it before. */
export interface Decision {
  readonly decision: 'approve_once' | AlwaysDecision
  readonly rule: string | null
}

export interface ScreenState {
  readonly operator: string
  readonly pending: readonly ApprovalNeeded[]
  /** the key of the selected action: a list that changes must not move the selection to another */
  readonly selected: string | null
  readonly mode: Mode
  /** the latest last */
  readonly notices: readonly string[]
  readonly isUpToDate: boolean
  /** decisions that are on their way to the hub */
  readonly deciding: ReadonlySet<string>
  /** digests of what was read in full, to its end */
  readonly read: ReadonlySet<string>
  /** until when, in milliseconds since 1970, a decision key is not taken: the selection has moved by itself */
  readonly holdUntil: number
}

/** What a key asks for beyond the screen. */
export type Effect =
  | { readonly kind: 'approve'; readonly asked: ApprovalNeeded; readonly decision: Decision }
  | { readonly kind: 'deny'; readonly asked: ApprovalNeeded; readonly reason: string }
  | { readonly kind: 'quit' }

/** How long after the selection has moved by itself no decision is taken, in milliseconds. */
const holdMs = 1_000
/** The same where the person's own decision moved it: a key that was held down must not decide twice. */
export const ownHoldMs = 300
const mostNotices = 50

export function firstState(operator: string): ScreenState {
  return {
    operator,
    pending: [],
    selected: null,
    mode: { kind: 'list' },
    notices: [],
    isUpToDate: true,
    deciding: new Set(),
    read: new Set(),
    holdUntil: 0,
  }
}

export function selectedOf(state: ScreenState): ApprovalNeeded | undefined {
  return state.pending.find((asked) => keyOf(asked) === state.selected)
}

/** The state with a new list. A selection that is gone moves to its neighbour, and decisions wait a moment. */
export function withPending(
  state: ScreenState,
  pending: readonly ApprovalNeeded[],
  now: number,
  hold = holdMs,
): ScreenState {
  const target = 'asked' in state.mode ? state.mode.asked : undefined
  const stands = target && pending.find((asked) => keyOf(asked) === keyOf(target))
  const mode: Mode =
    target !== undefined && stands?.digest !== target.digest ? { kind: 'list' } : state.mode
  if (pending.some((asked) => keyOf(asked) === state.selected)) return { ...state, pending, mode }
  const at = state.pending.findIndex((asked) => keyOf(asked) === state.selected)
  const next = pending[Math.min(Math.max(at, 0), pending.length - 1)]
  const hasMoved = state.selected !== null && next !== undefined
  return {
    ...state,
    pending,
    mode,
    selected: next === undefined ? null : keyOf(next),
    holdUntil: hasMoved ? now + hold : state.holdUntil,
  }
}

export function withNotice(state: ScreenState, notice: string): ScreenState {
  return { ...state, notices: [...state.notices, notice].slice(-mostNotices) }
}
