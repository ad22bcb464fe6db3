import type { AlwaysDecision, AlwaysScope, ApprovalNeeded } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { ShownCommand, Shown } from '../text/shown.tsx'
import { CommentField } from '../ui/comment-field.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { RuleTime, usualRuleHours } from '../ui/rule-time.tsx'
import { approve } from './decide.ts'
import { Settled } from './settled.tsx'

const names: Readonly<Record<AlwaysDecision, string>> = {
  approve_always_exact: 'Exactly this',
  approve_always_command: 'This command',
  approve_always_path_pattern: 'This command, in this place',
}

/** Shows the exact rule of each always decision before the operator makes it. */
export function AlwaysDialog({
  asked: initially,
  close,
}: {
  readonly asked: ApprovalNeeded
  readonly close: () => void
}) {
  const [asked] = useState(initially)
  const first = asked.always.find(({ rule }) => rule !== null)
  const [decision, setDecision] = useState<AlwaysDecision | null>(first?.decision ?? null)
  const [scope, setScope] = useState<AlwaysScope>(asked.workflow_id === null ? 'agent' : 'workflow')
  const [forHours, setForHours] = useState<number>(usualRuleHours)
  const [comment, setComment] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    if (decision === null) return
    const always = { decision, scope, expires_in: forHours * 3600 }
    void approve([asked], { always, comment })
    close()
  }
  const holders: readonly (readonly [AlwaysScope, string])[] = [
    ...(asked.workflow_id === null
      ? []
      : ([['workflow', `${asked.agent_id}, in workflow ${asked.workflow_id}`]] as const)),
    ['agent', `${asked.agent_id}, in any workflow`],
    ['everything', 'every agent'],
  ]
  return (
    <Dialog title="Approve, and always allow from now on" close={close} wide>
      <form onSubmit={send}>
        <Settled asked={[asked]} />
        <p class="named">
          <ShownCommand command={asked.command} />
        </p>
        <fieldset class="rules-offered">
          <legend>The rule</legend>
          {asked.always.map(({ decision: one, rule, refused }) => (
            <label key={one} class={rule === null ? 'refused' : undefined}>
              <input
                type="radio"
                name="decision"
                checked={decision === one}
                disabled={rule === null}
                onChange={() => setDecision(one)}
              />
              <span>
                <strong>{names[one]}</strong>
                <span class="rule-text">
                  {rule === null ? (
                    <>
                      not offered: <Shown text={refused ?? ''} />
                    </>
                  ) : (
                    <Shown text={scoped(rule, scope, asked)} />
                  )}
                </span>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="row">
          <label class="field">
            for
            <select
              value={scope}
              onChange={(event) => setScope(event.currentTarget.value as AlwaysScope)}
            >
              {holders.map(([value, text]) => (
                <option value={value}>{text}</option>
              ))}
            </select>
          </label>
          <RuleTime forHours={forHours} choose={setForHours} />
        </div>
        <CommentField text={comment} change={setComment} />
        <p class="muted">
          This request runs now, which cannot be undone. The rule can be revoked at any time;
          BLOCKED commands stay blocked.
        </p>
        <DialogButtons yes="Approve and make the rule" disabled={decision === null} close={close} />
      </form>
    </Dialog>
  )
}

/** The hub words a rule for its default scope; another scope changes only the last words. */
function scoped(rule: string, scope: AlwaysScope, asked: ApprovalNeeded): string {
  const standard = holderOf(asked.workflow_id === null ? 'agent' : 'workflow', asked)
  const end = `, for ${standard}`
  return rule.endsWith(end)
    ? `${rule.slice(0, -end.length)}, for ${holderOf(scope, asked)}`
    : `${rule} (as a rule for ${holderOf(scope, asked)})`
}

function holderOf(scope: AlwaysScope, asked: ApprovalNeeded): string {
  if (scope === 'everything') return 'every agent'
  return scope === 'agent'
    ? `agent ${asked.agent_id}`
    : `agent ${asked.agent_id} in workflow ${JSON.stringify(asked.workflow_id)}`
}
