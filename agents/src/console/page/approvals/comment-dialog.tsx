import type { ApprovalNeeded } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { ShownCommand } from '../text/shown.tsx'
import { RiskBadge } from '../ui/badges.tsx'
import { CommentField } from '../ui/comment-field.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { approve } from './decide.ts'
import { Settled } from './settled.tsx'

/** Approves once, with a comment of the operator. */
export function CommentDialog({
  asked,
  close,
}: {
  readonly asked: ApprovalNeeded
  readonly close: () => void
}) {
  const [comment, setComment] = useState('')
  const isHigh = asked.risk.level === 'high'
  const send = (event: Event): void => {
    event.preventDefault()
    if (comment.trim() === '') return
    void approve([asked], { comment })
    close()
  }
  return (
    <Dialog title="Approve once, with a comment" close={close}>
      <form onSubmit={send}>
        <Settled asked={[asked]} />
        <p class="named">
          <ShownCommand command={asked.command} units={asked.verdict.units} />
        </p>
        {isHigh && (
          <p>
            <RiskBadge level="high" /> Approve it only if you have read it.
          </p>
        )}
        <CommentField text={comment} change={setComment} isFirst />
        <p class="muted">This cannot be undone; what runs can be cancelled while it runs.</p>
        <DialogButtons
          yes={isHigh ? 'High risk: approve anyway' : 'Approve once'}
          disabled={comment.trim() === ''}
          close={close}
        />
      </form>
    </Dialog>
  )
}
