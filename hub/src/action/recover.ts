import { endAction, type EndActionParts } from './end-action.ts'
import type { Execution } from '../history/store/execution.ts'
import { retryWhileLocked, type RetryOptions } from '../history/ledger/retry-while-locked.ts'

export interface RecoverParts extends EndActionParts {
  readonly now: () => number
  readonly publishResults: () => void
  readonly requestApproval: (row: Execution) => void
  readonly enqueue: (row: Execution) => void
  /** how long writes are retried while the database is locked or full, in milliseconds */
  readonly written: RetryOptions
}

/**
 * Recovers after a crash: actions that were running become `interrupted` and never run again;
 * queued and pending ones go on.
 *
 * @param survivors number of an action's processes that were still alive and have been killed
 */
export async function recover(
  parts: RecoverParts,
  survivors: (row: Execution) => number,
): Promise<void> {
  const { ledger } = parts
  for await (const row of eachOf((after) => ledger.inState('running', after))) {
    const ended = survivors(row)
    const found = ended === 0 ? '' : `; ${ended} of its processes were still alive and were ended`
    const reason = `the hub died during the run; it is not run again${found}`
    await retryWhileLocked(() => interrupt(parts, row, reason, ended), parts.written)
  }
  for await (const row of eachOf((after) => ledger.inState('pending', after))) {
    parts.requestApproval(row)
  }
  for await (const row of eachOf((after) => ledger.inState('queued', after))) parts.enqueue(row)
  parts.publishResults()
}

/**
 * Ends an action that is running only according to the ledger.
 *
 * @param survivors number of its processes that were killed
 * @returns whether this call ended it
 */
export function interrupt(
  parts: EndActionParts & Pick<RecoverParts, 'now'>,
  row: Execution,
  reason: string,
  survivors = 0,
): Promise<boolean> {
  return endAction(
    parts,
    row,
    ['running'],
    { status: 'interrupted', at: parts.now(), reason, errorCategory: 'interrupted' },
    { kind: 'interrupted', data: { survivors } },
  )
}

/** All rows of a paged query. */
async function* eachOf(page: (after: number) => Promise<Execution[]>): AsyncGenerator<Execution> {
  let after = 0
  for (;;) {
    const rows = await page(after)
    if (rows.length === 0) return
    for (const row of rows) {
      after = row.execution_id
      yield row
    }
  }
}
