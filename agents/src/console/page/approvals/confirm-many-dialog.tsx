import type { ApprovalNeeded } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { keyOf } from '../../feed-message.ts'
import { me, maySelfApprove } from '../store.ts'
import { plural } from '../text/format.ts'
import { ShownCommand } from '../text/shown.tsx'
import { RiskBadge } from '../ui/badges.tsx'
import { CommentField } from '../ui/comment-field.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { approve } from './decide.ts'
import { marked } from './queue.ts'
import { Settled } from './settled.tsx'

const riskFirst = { high: 0, medium: 1, low: 2 } as const

/** Shows each command that would run, the riskiest first: several yeses are several readings. */
export function ConfirmManyDialog({
  asked: initially,
  close,
}: {
  readonly asked: readonly ApprovalNeeded[]
  readonly close: () => void
}) {
  const [asked] = useState(() =>
    initially
      .filter((one) => one.agent_id !== me.value?.agent || maySelfApprove.value)
      .toSorted((a, b) => riskFirst[a.risk.level] - riskFirst[b.risk.level]),
  )
  const high = asked.filter(({ risk }) => risk.level === 'high').length
  const [hasRead, setHasRead] = useState(high === 0)
  const [comment, setComment] = useState('')
  const send = (): void => {
    void approve(asked, { comment })
    marked.value = new Set()
    close()
  }
  return (
    <Dialog title={`Approve ${plural(asked.length, 'request')} once`} close={close} wide>
      <Settled asked={asked} />
      <ul class="plain many" tabIndex={0} aria-label="What would run">
        {asked.map((one) => (
          <li key={keyOf(one)}>
            <RiskBadge level={one.risk.level} />
            <span>
              <ShownCommand command={one.command} units={one.verdict.units} />
              <span class="muted">
                {one.agent_id} in {one.cwd}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {high > 0 && (
        <label class="choices">
          <input
            type="checkbox"
            checked={hasRead}
            onChange={(event) => setHasRead(event.currentTarget.checked)}
          />
          {plural(high, 'of them has', 'of them have')} high risk, and I have read{' '}
          {high === 1 ? 'it' : 'them'}.
        </label>
      )}
      <CommentField text={comment} change={setComment} />
      <p class="muted">This cannot be undone.</p>
      <DialogButtons
        yes={`Approve ${asked.length}`}
        send={send}
        disabled={!hasRead || asked.length === 0}
        close={close}
        cautious
      />
    </Dialog>
  )
}
