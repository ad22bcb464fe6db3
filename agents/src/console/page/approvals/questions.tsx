import type { ApprovalNeeded } from '@centralpost/shared'
import { signal } from '@preact/signals'
import { maySelfApprove, me, trouble } from '../store.ts'
import { toast } from '../ui/toasts.tsx'
import { AlwaysDialog } from './always-dialog.tsx'
import { CommentDialog } from './comment-dialog.tsx'
import { ConfirmManyDialog } from './confirm-many-dialog.tsx'
import { DenyDialog } from './deny-dialog.tsx'
import { markedList, selected } from './queue.ts'
import { lookAgain, readingOf, readOn } from './reading.ts'

type Question = 'deny' | 'always' | 'comment' | 'approve-many' | 'deny-many'
/**
 * The dialog keeps the selection of the moment it opened. If it closed with the selection, keys
 * typed into it would reach the page.
 */
const question = signal<{
  readonly what: Question
  readonly asked: readonly ApprovalNeeded[]
} | null>(null)
const close = (): void => {
  question.value = null
}

/** The open dialog before a decision, if any. */
export function Questions() {
  if (question.value === null) return null
  const { what, asked } = question.value
  const [first] = asked
  switch (what) {
    case 'approve-many':
      return <ConfirmManyDialog asked={asked} close={close} />
    case 'deny':
    case 'deny-many':
      return <DenyDialog asked={asked} close={close} />
    case 'comment':
      return first && <CommentDialog asked={first} close={close} />
    case 'always':
      return first && <AlwaysDialog asked={first} close={close} />
  }
}

/**
 * Opens the dialog for a decision on the selected or marked requests, or says why it is not
 * possible.
 */
export function ask(what: Question): void {
  if (trouble.value !== null) {
    toast('bad', 'Decisions are not possible now: see above.')
    return
  }
  const isMany = what === 'approve-many' || what === 'deny-many'
  const asked = isMany ? markedList.value : [selected.value].filter((one) => one !== undefined)
  const [first] = asked
  if (first === undefined) return
  const isApproval = what === 'comment' || what === 'always'
  const why = isApproval ? whyNotApprove(first.agent_id) : null
  if (why !== null) toast('bad', why)
  else if (!isApproval || isReadNow(first)) question.value = { what, asked }
}

/** Whether the whole command has been on the screen. If not, says so and scrolls on. */
export function isReadNow({ digest }: ApprovalNeeded): boolean {
  lookAgain()
  if (readingOf(digest).isRead) return true
  toast('note', 'More below: read to its end, then decide.', 'unread')
  readOn(digest)
  return false
}

/** The reason why this operator cannot approve now, or null. */
export function whyNotApprove(agentId: string): string | null {
  if (trouble.value !== null) return 'Decisions are not possible now: see above.'
  if (agentId !== me.value?.agent || maySelfApprove.value) return null
  return 'You requested this yourself: another operator must approve it.'
}
