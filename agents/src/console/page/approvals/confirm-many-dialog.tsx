import type { ApprovalNeeded } from '@centralpost/shared'
import { readableCommand } from '@centralpost/shared/command-lines'
import { useEffect, useRef, useState } from 'preact/hooks'
import { keyOf } from '../../wire/feed-message.ts'
import { me, maySelfApprove } from '../store.ts'
import { plural } from '../text/format.ts'
import { CommandLines, spansOf } from '../text/shown.tsx'
import { RiskBadge } from '../ui/badges.tsx'
import { CommentField } from '../ui/comment-field.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { approve } from './decide.ts'
import { marked } from './queue.ts'
import { lookAgain, readingOf, readOn, watchReading } from './reading.ts'
import { Settled } from './settled.tsx'

const riskFirst = { high: 0, medium: 1, low: 2 } as const

/** Shows each command of a bulk approval, riskiest first: every command must be read. */
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
  const list = useRef<HTMLUListElement>(null)
  const all = asked.map(({ digest }) => digest).join(' ')
  useEffect(() => (list.current === null ? undefined : watchReading(list.current, all)), [all])
  const { isRead } = readingOf(all)
  const send = (): void => {
    lookAgain()
    if (!readingOf(all).isRead) {
      readOn(all)
      return
    }
    void approve(asked, { comment })
    marked.value = new Set()
    close()
  }
  return (
    <Dialog title={`Approve ${plural(asked.length, 'request')} once`} close={close} wide>
      <Settled asked={asked} />
      <ul
        class="plain many"
        tabIndex={0}
        aria-label="Commands to run"
        ref={list}
        data-digest={all}
        data-read-box
      >
        {asked.map((one) => (
          <li key={keyOf(one)}>
            <RiskBadge level={one.risk.level} />
            <span>
              <CommandInFull asked={one} />
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
      <p class="muted" aria-live="polite">
        {isRead
          ? 'This cannot be undone.'
          : 'You have not seen all of them: read the list to its end, then decide.'}
      </p>
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

function CommandInFull({ asked: { command, verdict } }: { readonly asked: ApprovalNeeded }) {
  const readable = readableCommand(command)
  return (
    <>
      {readable.alarm !== null && <span class="alarm">{readable.alarm}</span>}
      <CommandLines command={readable} spans={spansOf(command, verdict.units)} />
    </>
  )
}
