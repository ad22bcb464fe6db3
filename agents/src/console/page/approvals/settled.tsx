import type { ApprovalNeeded } from '@centralpost/shared'
import { keyOf } from '../../wire/feed-message.ts'
import { decided, pending } from '../store.ts'

/**
 * Shows in an open dialog that its requests were settled elsewhere. The dialog stays: if it closed
 * by itself, keys typed into it would reach the page.
 */
export function Settled({ asked }: { readonly asked: readonly ApprovalNeeded[] }) {
  const gone = asked.filter((one) => !pending.value.has(keyOf(one)))
  const [first] = gone
  if (first === undefined) return null
  const end = decided.value.get(keyOf(first))
  const what = asked.length === 1 ? 'This' : `${gone.length} of these ${asked.length}`
  const how = end === undefined || end.how === 'gone' || gone.length > 1 ? 'settled' : end.how
  const by = end?.by == null || gone.length > 1 ? '' : ` by ${end.by}`
  return (
    <p class="notice bad" role="status">
      {what} {gone.length === 1 ? 'was' : 'were'} {how}
      {by} meanwhile. Your answer changes nothing about {gone.length === 1 ? 'it' : 'them'}.
    </p>
  )
}
