import type { Logger } from '@centralpost/shared'
import type { Agent } from '../../agent/agent.ts'
import type { Operator } from '../../operator/operator.ts'
import type { Board } from './board.ts'
import type { Sessions } from './sessions.ts'

export interface RouteParts {
  readonly operator: Operator
  /** requests that the operator types are made as this agent; null when it has no credentials */
  readonly agent: Agent | null
  readonly board: Board
  readonly sessions: Sessions
  readonly log: Logger
}
