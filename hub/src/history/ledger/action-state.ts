import type { ActionState } from '@centralpost/shared'

/**
 * The states of an action and the steps between them.
 *  An accepted request is `running` (SAFE, with a free slot), `queued` (SAFE), `pending` (REVIEW),
 * `denied` (BLOCKED) or `rejected` (bad input). A pending action is approved (`queued`), `denied`,
 * `expired` or `cancelled`. A queued one starts (`running`), is `cancelled`, or `expired` when not
 * started in time. A running one ends with its command's outcome, or as `interrupted` by the next
 * hub. All states but `pending`, `queued` and `running` are final.
 */
const steps: Readonly<Record<ActionState, readonly ActionState[]>> = {
  pending: ['queued', 'denied', 'expired', 'cancelled'],
  queued: ['running', 'denied', 'expired', 'cancelled', 'pending'],
  running: ['completed', 'failed', 'timed_out', 'cancelled', 'interrupted'],
  completed: [],
  failed: [],
  timed_out: [],
  denied: [],
  expired: [],
  cancelled: [],
  interrupted: [],
  rejected: [],
}

/**
 * Validates the ledger's conditional updates.
 *
 * @throws {TypeError} for a step not listed above: a bug
 */
export function assertStep(from: readonly ActionState[], to: ActionState): void {
  const wrong = from.find((state) => !steps[state].includes(to))
  if (wrong !== undefined) throw new TypeError(`an action does not step from ${wrong} to ${to}`)
}

/** Whether a state is final. */
export function isFinal(state: ActionState): boolean {
  return steps[state].length === 0
}
