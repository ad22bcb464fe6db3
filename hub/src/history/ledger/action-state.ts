import type { ActionState } from '@centralpost/shared'

/**
 * The states of an action and the steps between them.
 *
 * A request that is taken in is `running` (SAFE, and a place is free), `queued` (SAFE), `pending` (REVIEW), `denied`
 * (BLOCKED) or `rejected` (bad input).
 * A pending action is approved (`queued`), `denied`, `expired` or `cancelled`. A queued one starts (`running`), is
 * `cancelled`, or `expired` when it was not started in time. A running one ends with how its command ended, or is
 * found `interrupted` by the next hub. Everything but `pending`, `queued` and `running` is final.
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
 * Guards the ledger's conditional updates.
 *
 * @throws {TypeError} when the step is not one of those above: a bug
 */
export function assertStep(from: readonly ActionState[], to: ActionState): void {
  const wrong = from.find((state) => !steps[state].includes(to))
  if (wrong !== undefined) throw new TypeError(`an action does not step from ${wrong} to ${to}`)
}

/** Whether nothing follows a state. */
export function isFinal(state: ActionState): boolean {
  return steps[state].length === 0
}
