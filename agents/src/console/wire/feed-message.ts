import type {
  ActionResult,
  ApprovalNeeded,
  HubStatus,
  OutputStream,
  RuleChanged,
  TrustLevel,
} from '@centralpost/shared'

/** Identifies an action: two agents may use the same id. */
export interface ActionKey {
  readonly agent_id: string
  readonly action_id: string
}

/** A running command, with the size of its output. */
export interface RunningAction extends ActionKey {
  readonly workflow_id: string | null
  readonly command: string
  readonly cwd: string
  readonly trust_level: TrustLevel | null
  readonly approved_by: string | null
  readonly started_at: string
  /** seconds; null for an action that began before the console */
  readonly timeout: number | null
  readonly bytes: OutputBytes
}

/** Bytes received live per stream, and bytes that the hub omitted from the live view. */
export interface OutputBytes {
  readonly stdout: number
  readonly stderr: number
  readonly skipped: number
}

/** A result without its output, which is fetched on demand. */
export type EndedAction = Omit<ActionResult, 'stdout' | 'stderr'>

/** The decision on a pending action, or whatever else ended its wait. */
export interface Decided extends ActionKey {
  readonly how: 'approved' | 'denied' | 'expired' | 'cancelled' | 'gone'
  readonly by: string | null
  readonly at: string
  readonly reason: string | null
  readonly command: string
}

export interface HubView {
  readonly state: 'up' | 'hub-away' | 'broker-away'
  readonly hubs: readonly HubStatus[]
  /** time of the change, by the console's clock */
  readonly since: string
  /**
   * milliseconds since 1970 by the hub's clock, when this was sent; null until a hub has answered
   */
  readonly hub_now: number | null
}

export interface SeenAgent {
  readonly agent_id: string
  readonly agent_type: string | null
  readonly last_seen: string
  readonly requests: number
}

export interface OutputPiece {
  readonly stream: OutputStream
  readonly data: string
}

/** Messages from the console's server to a page: one JSON value per line. */
export type FeedMessage =
  | {
      readonly type: 'hello'
      /** identifies this stream in calls of the page */
      readonly feed: string
      readonly operator: string
      /** the agent that requests the operator's typed commands; null: it has no credentials */
      readonly agent: string | null
      readonly expires_at: string
    }
  | {
      readonly type: 'snapshot'
      readonly pending: readonly ApprovalNeeded[]
      readonly running: readonly RunningAction[]
      readonly ended: readonly EndedAction[]
      readonly agents: readonly SeenAgent[]
    }
  | { readonly type: 'pending'; readonly actions: readonly ApprovalNeeded[] }
  | { readonly type: 'voted'; readonly key: ActionKey; readonly approvals: readonly string[] }
  | { readonly type: 'decided'; readonly decided: Decided }
  | { readonly type: 'started'; readonly action: RunningAction }
  | {
      readonly type: 'progress'
      readonly actions: readonly (ActionKey & { readonly bytes: OutputBytes })[]
    }
  | { readonly type: 'ended'; readonly result: EndedAction }
  | { readonly type: 'agents'; readonly agents: readonly SeenAgent[] }
  | { readonly type: 'hub'; readonly hub: HubView }
  /** the always rules have changed; null: they may have */
  | { readonly type: 'rules'; readonly change: RuleChanged | null }
  | {
      readonly type: 'output'
      readonly key: ActionKey
      /** the first message for a newly selected action: earlier output is discarded */
      readonly begin: boolean
      readonly pieces: readonly OutputPiece[]
      /** bytes omitted before these pieces, by the hub or because this page was too slow */
      readonly left_out: number
    }
  | { readonly type: 'signed-out' }

export const keyOf = (action: ActionKey): string => `${action.agent_id}.${action.action_id}`
