import type { AlwaysRule, Proposal } from '@centralpost/shared'
import { useState } from 'preact/hooks'
import { call } from '../api.ts'
import { moment } from '../text/format.ts'
import { Shown, ShownCommand } from '../text/shown.tsx'
import { StatusBadge } from '../ui/badges.tsx'
import { CommentField } from '../ui/comment-field.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { DialogButtons } from '../ui/dialog-buttons.tsx'
import { RuleTime, usualRuleHours } from '../ui/rule-time.tsx'
import { toast, sayProblem } from '../ui/toasts.tsx'

/**
 * Shows a proposed rule with its approvals, and makes exactly that rule once the operator confirms.
 */
export function AcceptDialog({
  proposal: initially,
  close,
  done,
}: {
  readonly proposal: Proposal
  readonly close: () => void
  /** reloads the list */
  readonly done: () => void
}) {
  const [proposal] = useState(initially)
  const [forHours, setForHours] = useState<number>(usualRuleHours)
  const [comment, setComment] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    call<{ readonly rule: AlwaysRule }>('accept', {
      agent_id: proposal.agent_id,
      action_id: proposal.support[0]?.action_id,
      decision: proposal.decision,
      rule: proposal.rule,
      expires_in: forHours * 3600,
      ...(comment.trim() !== '' && { comment: comment.trim() }),
    })
      .then(({ rule }) =>
        toast('good', `The rule ${rule.rule_id} was made and is listed under Rules.`),
      )
      .catch((error: unknown) => sayProblem('No rule was made', error))
      .finally(done)
    close()
  }
  return (
    <Dialog title="Make this rule?" close={close} wide>
      <form onSubmit={send}>
        <p class="named rule-text">
          <Shown text={proposal.rule ?? ''} />
        </p>
        <p>
          {proposal.support.length < proposal.approvals
            ? `The newest of ${proposal.approvals} approvals behind it`
            : `${proposal.approvals} approvals behind it`}
          ; no similar command was denied:
        </p>
        <ul class="plain many" tabIndex={0} aria-label="The approved commands">
          {proposal.support.map((one) => (
            <li key={one.execution_id}>
              <StatusBadge status={one.status} />
              <span>
                <ShownCommand command={one.command} />
                <span class="muted">
                  approved by {one.approved_by}, asked {moment(one.requested_at)}
                </span>
              </span>
            </li>
          ))}
        </ul>
        <RuleTime forHours={forHours} choose={setForHours} />
        <CommentField text={comment} change={setComment} />
        <p class="muted">
          Commands that it covers run without approval from then on. Nothing runs now; the rule can
          be revoked at any time; BLOCKED commands stay blocked.
        </p>
        <DialogButtons yes="Make the rule" close={close} cautious />
      </form>
    </Dialog>
  )
}
