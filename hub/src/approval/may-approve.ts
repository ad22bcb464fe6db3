import { CentralPostError } from '@centralpost/shared'
import type { Execution } from '../history/store/execution.ts'
import { isOwnActionOf } from './approval-messages.ts'

/**
 * Checks that an operator may clear this action and identical ones: their own only where allowed.
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
    `you requested ${row.action_id} yourself (as "${row.agent_id}"): another operator must approve it`,
  )
}

/**
 * Checks that one operator may make a rule: where several approvals are required, one must not
 * replace them.
 *
 * @param needed number of required approvals
 * @throws {CentralPostError} `invalid_request`
 */
export function checkOneIsEnough(row: Pick<Execution, 'action_id'>, needed: number): void {
  if (needed <= 1) return
  throw new CentralPostError(
    'invalid_request',
    `decision: ${needed} operators must approve ${row.action_id}, so no always rule is ` +
      'possible; approve it once',
  )
}
