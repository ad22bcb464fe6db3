import { CentralPostError } from '@centralpost/shared'
import type { Execution } from '../history/store/execution.ts'
import { isOwnActionOf } from './approval-messages.ts'

/**
 * Checks that an operator may clear this, or what is like it: their own only where that is allowed.
 *
 * @throws {CentralPostError} `forbidden`
 */
export async function checkOwn(
  row: Pick<Execution, 'action_id' | 'agent_id'>,
  operator: string,
  selfApproval: () => Promise<boolean>,
): Promise<void> {
  if (!isOwnActionOf(row, operator) || (await selfApproval())) return
  throw new CentralPostError(
    'forbidden',
    `${row.action_id} is an action of your own ("${row.agent_id}"): another operator must approve it`,
  )
}

/**
 * Checks that one operator may make a rule: a rule is one's yes, so it cannot stand for that of several.
 *
 * @param needed how many must approve such an action
 * @throws {CentralPostError} `invalid_request`
 */
export function checkOneIsEnough(row: Pick<Execution, 'action_id'>, needed: number): void {
  if (needed <= 1) return
  throw new CentralPostError(
    'invalid_request',
    `decision: ${needed} must approve ${row.action_id}, so no rule can clear what is like it; approve it once`,
  )
}
