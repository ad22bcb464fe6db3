import type { AlwaysDecision, ApprovalNeeded } from '@centralpost/shared'
import { pendingKeyOf } from '../../operator/pending-watch.ts'

/**
 * The mode of the screen. A mode keeps the action it was opened with, whatever is selected later.
 */
export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  | { readonly kind: 'full'; readonly asked: ApprovalNeeded; readonly from: number }
  | { readonly kind: 'deny'; readonly asked: ApprovalNeeded; readonly reason: string }
  | { readonly kind: 'always'; readonly asked: ApprovalNeeded }
  | { readonly kind: 'confirm'; readonly asked: ApprovalNeeded; readonly decision: ScreenDecision }

/** An approval decision, with the rule or warning shown before it. */
export interface ScreenDecision {
  readonly decision: 'approve_once' | AlwaysDecision
  readonly rule: string | null
}

export interface ScreenState {
  readonly operator: string
  readonly pending: readonly ApprovalNeeded[]
  /** a key, not an index: changes to the list must not move the selection */
  readonly selected: string | null
  readonly mode: Mode
  /** newest last */
  readonly notices: readonly string[]
  readonly isUpToDate: boolean
  /** decisions sent and not answered */
  readonly deciding: ReadonlySet<string>
  /** digests of actions read to their end */
  readonly read: ReadonlySet<string>
  /**
   * decision keys are ignored until then (milliseconds since 1970): the selection has just moved by
   * itself
   */
  readonly holdUntil: number
}

/** Work that a key asks for outside the screen. */
export type Effect =
  | { readonly kind: 'approve'; readonly asked: ApprovalNeeded; readonly decision: ScreenDecision }
  | { readonly kind: 'deny'; readonly asked: ApprovalNeeded; readonly reason: string }
  | { readonly kind: 'quit' }

/** How long decision keys are ignored after the selection moved by itself, in milliseconds. */
const holdMs = 1_000
/**
 * The same after the operator's own decision, in milliseconds: a held key must not decide twice.
 */
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
  return state.pending.find((asked) => pendingKeyOf(asked) === state.selected)
}

/**
 * The state with a new list. If the selected action is gone, its neighbour is selected and decision
 * keys pause.
 */
export function withPending(
  state: ScreenState,
  pending: readonly ApprovalNeeded[],
  now: number,
  hold = holdMs,
): ScreenState {
  const target = 'asked' in state.mode ? state.mode.asked : undefined
  const stands = target && pending.find((asked) => pendingKeyOf(asked) === pendingKeyOf(target))
  const mode: Mode =
    target !== undefined && stands?.digest !== target.digest ? { kind: 'list' } : state.mode
  if (pending.some((asked) => pendingKeyOf(asked) === state.selected))
    return { ...state, pending, mode }
  const at = state.pending.findIndex((asked) => pendingKeyOf(asked) === state.selected)
  const next = pending[Math.min(Math.max(at, 0), pending.length - 1)]
  const hasMoved = state.selected !== null && next !== undefined
  return {
    ...state,
    pending,
    mode,
    selected: next === undefined ? null : pendingKeyOf(next),
    holdUntil: hasMoved ? now + hold : state.holdUntil,
  }
}

export function withNotice(state: ScreenState, notice: string): ScreenState {
  return { ...state, notices: [...state.notices, notice].slice(-mostNotices) }
}
