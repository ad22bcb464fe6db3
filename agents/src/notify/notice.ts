import { type ApprovalNeeded, visibleCommand, visible } from '@centralpost/shared'

/** The delivery of a notice about one approval request. */
export interface NoticeDelivery {
  readonly to: 'webhook' | 'desktop'
  readonly actionId: string
  readonly agentId: string
  readonly isDelivered: boolean
  readonly attempts: number
  /** why it failed, or was dropped */
  readonly problem: string | null
}

/** A destination that tells a person about waiting actions. */
export interface NoticeSink extends AsyncDisposable {
  /** Never throws, never blocks. */
  push(asked: ApprovalNeeded): void
  /** The action was decided or has expired: a pending notice is dropped. */
  drop(asked: ApprovalNeeded): void
}

const longestCommand = 500

/** An approval request in two lines, safe to show anywhere. */
export function noticeOf(asked: ApprovalNeeded): { readonly title: string; readonly body: string } {
  const command = visibleCommand(asked.command)
  const shown = command.length > longestCommand ? `${command.slice(0, longestCommand)} …` : command
  const why = asked.context === null ? '' : `\n${visible(asked.context.slice(0, 200))}`
  return {
    title: `${visible(asked.agent_id)} asks, at a ${asked.risk.level} risk`,
    body: `${shown}${why}`,
  }
}
