import { conclude, type ConcludeParts } from './end-action.ts'
import type { Execution } from '../history/store/execution.ts'
import { untilWritten, type WrittenOptions } from '../history/ledger/until-written.ts'

export interface RecoverParts extends ConcludeParts {
  readonly now: () => number
  readonly publishResults: () => void
  readonly requestApproval: (row: Execution) => void
  readonly enqueue: (row: Execution) => void
  /** how long is tried while the database cannot be written */
  readonly written: WrittenOptions
}

/**
 * Takes up what an earlier hub left: what it was running is `interrupted` and never run again, what it had queued and
 * what waits for a person goes on.
 *
 * @param survivors how many processes of an action were still alive, and have been ended
 */
export async function recover(
  parts: RecoverParts,
  survivors: (row: Execution) => number,
): Promise<void> {
  const { ledger } = parts
  for await (const row of eachOf((after) => ledger.inState('running', after))) {
    const ended = survivors(row)
    const found = ended === 0 ? '' : `; ${ended} of its processes still lived and were ended`
    const reason = `the hub died while this ran; it is not run again${found}`
    await untilWritten(() => interrupt(parts, row, reason, ended), parts.written)
  }
  for await (const row of eachOf((after) => ledger.inState('pending', after))) {
    parts.requestApproval(row)
  }
  for await (const row of eachOf((after) => ledger.inState('queued', after))) parts.enqueue(row)
  parts.publishResults()
}

/**
 * Ends an action that runs in the ledger only.
 *
 * @param survivors how many of its processes have been ended
 * @returns whether it was ended by this call
 */
export function interrupt(
  parts: ConcludeParts & Pick<RecoverParts, 'now'>,
  row: Execution,
  reason: string,
  survivors = 0,
): Promise<boolean> {
  return conclude(
    parts,
    row,
    ['running'],
    { status: 'interrupted', at: parts.now(), reason, errorCategory: 'interrupted' },
    { kind: 'interrupted', data: { survivors } },
  )
}

/** Every row of a question that is asked in pages. */
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
