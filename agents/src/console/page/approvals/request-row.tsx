import type { ApprovalNeeded } from '@centralpost/shared'
import { Component } from 'preact'
import { keyOf } from '../../wire/feed-message.ts'
import { secondsUntil } from '../clock.ts'
import { countdown } from '../text/format.ts'
import { ShownCommand } from '../text/shown.tsx'
import { RiskBadge } from '../ui/badges.tsx'

const hurrySeconds = 45

interface Props {
  readonly asked: ApprovalNeeded
  readonly isSelected: boolean
  readonly isMarked: boolean
  readonly choose: (key: string) => void
  readonly mark: (key: string) => void
}

/** One request in the list. A key press redraws only the two rows that it changes. */
export class RequestRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { asked, isSelected, isMarked } = this.props
    return asked !== next.asked || isSelected !== next.isSelected || isMarked !== next.isMarked
  }

  override render() {
    const { asked, isSelected, isMarked, choose, mark } = this.props
    const key = keyOf(asked)
    const { command, agent_id: agentId, workflow_id: workflowId, risk } = asked
    return (
      <li class={`request ${risk.level}${isSelected ? ' selected' : ''}`}>
        <label class="marker">
          <input type="checkbox" checked={isMarked} onChange={() => mark(key)} />
          <span class="unheard">Mark {agentId}’s request</span>
        </label>
        <button
          type="button"
          class="slip"
          aria-current={isSelected ? 'true' : undefined}
          onClick={() => choose(key)}
        >
          <span class="slip-command">
            <ShownCommand command={command.slice(0, 400)} />
          </span>
          <span class="slip-facts">
            <RiskBadge level={risk.level} />
            <span class="who">
              {agentId}
              {workflowId !== null && <span class="muted"> · {workflowId}</span>}
            </span>
            {asked.approvals_needed > 1 && (
              <span class="votes">
                {asked.approvals.length} of {asked.approvals_needed}
              </span>
            )}
            <Countdown until={asked.expires_at} />
          </span>
        </button>
      </li>
    )
  }
}

/** The remaining time, by the hub's clock. */
export function Countdown({ until }: { readonly until: string }) {
  const left = secondsUntil(until)
  const isOver = left <= 0
  return (
    <span
      class={`countdown${left < hurrySeconds ? ' hurry' : ''}`}
      role="timer"
      aria-label={isOver ? 'expired' : `${countdown(left)} left`}
    >
      {isOver ? 'expired' : countdown(left)}
    </span>
  )
}
