import { Dialog } from './dialog.tsx'

const keys: readonly (readonly [string, string])[] = [
  ['j  k', 'the next, the one before'],
  ['a', 'approve once (high risk asks a second time)'],
  ['m', 'approve once, with a comment'],
  ['A', 'approve always: choose a rule'],
  ['d', 'deny, with a reason'],
  ['x', 'mark for several at once'],
  ['X', 'mark all listed requests; again: unmark all'],
  ['/', 'find'],
  ['c', 'type a command'],
  ['1 … 6', 'approvals, terminal, history, insights, rules, system'],
  ['Esc', 'leave a field, close a question'],
  ['?', 'this'],
]

export function HelpDialog({ close }: { readonly close: () => void }) {
  return (
    <Dialog title="Keys" close={close}>
      <dl class="keys">
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split('  ').map((one) => (
                <kbd>{one}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">A decision cannot be undone. Running commands can be cancelled.</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
