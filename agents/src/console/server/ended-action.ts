import type { ActionResult } from '@centralpost/shared'
import type { Decided, EndedAction } from '../wire/feed-message.ts'

/** A result in the form that the page gets. */
export function withoutOutput(message: ActionResult): EndedAction {
  const { stdout: _out, stderr: _err, ...ended } = message
  return ended
}

/** The reason for the end of a waiting action, by its result. */
export function howItEnded({ status, approved_by: approved }: ActionResult): Decided['how'] {
  if (status === 'denied' || status === 'expired' || status === 'cancelled') return status
  return approved === null ? 'gone' : 'approved'
}
