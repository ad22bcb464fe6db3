import { type ApprovalNeeded, visibleCommand, visible } from '@centralpost/shared'

/** How a notice about one approval request went out, or did not. */
export interface Delivery {
  readonly to: 'webhook' | 'desktop'
  readonly actionId: string
  readonly agentId: string
  readonly isDelivered: boolean
  readonly attempts: number
  /** why not, or why not any more */
  readonly problem: string | null
}

/** Somewhere a person learns that an action waits. */
export interface NoticeSink extends AsyncDisposable {
  /** Never throws, never waits. */
  push(asked: ApprovalNeeded): void
  /** It was decided or has expired: nobody need hear of it any more. */
  drop(asked: ApprovalNeeded): void
}

const longestCommand = 500

/** An approval request in two lines, harmless wherever it is shown. */
export function noticeOf(asked: ApprovalNeeded): { readonly title: string; readonly body: string } {
  const command = visibleCommand(asked.command)
  const shown = command.length > longestCommand ? `${command.slice(0, longestCommand)} …` : command
  const why = asked.context === null ? '' : `\n${visible(asked.context.slice(0, 200))}`
  return {
    title: `${visible(asked.agent_id)} asks, at a ${asked.risk.level} risk`,
    body: `${shown}${why}`,
  }
}
