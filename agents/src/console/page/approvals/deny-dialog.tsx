import type { ApprovalNeeded } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { plural } from '../text/format.ts'
import { ShownCommand } from '../text/shown.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { denyShown } from './decide.ts'
import { marked } from './queue.ts'
import { Settled } from './settled.tsx'

const usual = [
  'Not needed for this task',
  'Too broad: name the files',
  'I will do this myself',
  'Not now: ask again later',
]

export function DenyDialog({
  asked: initially,
  close,
}: {
  readonly asked: readonly ApprovalNeeded[]
  readonly close: () => void
}) {
  // the actions shown when the dialog opened, whatever arrives meanwhile
  const [asked] = useState(initially)
  const [reason, setReason] = useState('')
  const [suggestion, setSuggestion] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    if (reason.trim() === '') return
    void denyShown(asked, reason.trim(), suggestion.trim())
    marked.value = new Set()
    close()
  }
  return (
    <Dialog
      title={asked.length === 1 ? 'Deny' : `Deny ${plural(asked.length, 'request')}`}
      close={close}
    >
      <form onSubmit={send}>
        <Settled asked={asked} />
        <ul class="plain named">
          {asked.slice(0, 5).map((one) => (
            <li>
              <ShownCommand command={one.command.slice(0, 300)} />
            </li>
          ))}
          {asked.length > 5 && <li class="muted">and {asked.length - 5} more</li>}
        </ul>
        <label class="field">
          Reason, for the agent
          <input
            autofocus
            required
            maxLength={1024}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        <div class="chips" role="group" aria-label="Usual reasons">
          {usual.map((text) => (
            <button type="button" class="chip" onClick={() => setReason(text)}>
              {text}
            </button>
          ))}
        </div>
        <label class="field">
          An alternative for the agent <span class="muted">(optional)</span>
          <input
            maxLength={1024}
            value={suggestion}
            onInput={(event) => setSuggestion(event.currentTarget.value)}
          />
        </label>
        <p class="muted">A denial cannot be undone; the agent may ask again.</p>
        <DialogButtons yes="Deny" kind="deny" disabled={reason.trim() === ''} close={close} />
      </form>
    </Dialog>
  )
}
