import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type Logger, messageOf } from '@centralpost/shared'
import { endAction } from '../action/end-action.ts'
import type { HubConfig } from '../config/hub-config.ts'
import { lockDataDirectory, openStore } from '../history/store/database.ts'
import type { Database } from '../history/store/dialect/dialect.ts'
import { History } from '../history/history.ts'
import { noteReplaced } from '../history/store/ledger-note.ts'
import { SecretKeeper } from '../history/masking/secret-keeper.ts'
import { hasKey, hasLedger, isDamage, putAside } from '../history/remains.ts'
import { resultOf } from '../action/result-message.ts'

const reason = 'its text was sealed with a lost key'

export interface Recovered {
  /** the steps taken, a line each; empty: nothing to do */
  readonly done: readonly string[]
}

/**
 * Recovers a data directory with lost files. A missing, empty or invalid ledger is started anew,
 * and actions readable only with a lost key are ended. Nothing is deleted: broken files move into a
 * folder `lost-…`.
 *
 * @param options.startAnew also sets aside a damaged ledger that can still be opened
 * @throws {CentralPostError} `conflict` while a hub works on the directory, `storage` when it is
 *   not writable
 */
export async function recoverHistory(options: {
  readonly dataDir: string
  readonly config: HubConfig
  readonly startAnew: boolean
  readonly log: Logger
}): Promise<Recovered> {
  const { dataDir, config, startAnew, log } = options
  const location = config.history.location ?? { backend: 'sqlite' as const, dataDir }
  const done: string[] = []
  const release = lockDataDirectory(dataDir)
  try {
    if (location.backend === 'sqlite' && (startAnew || (await isUnusable(dataDir)))) {
      const folder = await putAside(dataDir, ['hub.db', 'memory.db'])
      noteReplaced(dataDir)
      done.push(
        `started a new ledger; the old files are in ${folder}. The next hub imports each ` +
          `action whose result the broker still keeps (${config.broker.result_days} days), and ` +
          'does not run it again. Older ids, and waiting or running actions, are forgotten: ' +
          'requested again, they are judged and may run again',
      )
    }
    const store = await openStore(location, 'ledger')
    let unreadable: number[]
    try {
      unreadable = hasKey(dataDir)
        ? await unopened(
            store.db,
            SecretKeeper.open(join(dataDir, 'history.key'), config.history.masking),
          )
        : await unopened(store.db, null)
    } finally {
      await store.close()
    }
    if (unreadable.length > 0) {
      const history = await History.open({
        location,
        dataDir,
        hubId: 'recover',
        lease: { marker: `recover-${randomUUID()}`, leaseMs: config.history.leaseMs, graceMs: 0 },
        masking: config.history.masking,
        onLost: (error) => log.error('the history is lost', { error: messageOf(error) }),
        log,
      })
      try {
        for (const executionId of unreadable) await end(history, executionId, log)
      } finally {
        await history.close()
      }
    }
    if (unreadable.length > 0) done.push(`${unreadable.length} action(s) ended: ${reason}`)
    return { done }
  } finally {
    release()
  }
}

async function isUnusable(dataDir: string): Promise<boolean> {
  if (!hasLedger(dataDir)) return true
  try {
    await (await openStore({ backend: 'sqlite', dataDir }, 'ledger')).close()
    return false
  } catch (error) {
    if (isDamage(error)) return true
    throw error
  }
}

/**
 * Removes the seal from unreadable texts: results say so in their place. Returns the actions that
 * still wait, including those of an earlier try.
 */
async function unopened(db: Database, secrets: SecretKeeper | null): Promise<number[]> {
  const originals = await db.selectFrom('sealed_originals').selectAll().execute()
  const lost = originals.filter((one) => !secrets?.opens(one)).map((one) => one.execution_id)
  const results = await db
    .selectFrom('action_results')
    .innerJoin('command_executions as row', 'row.execution_id', 'action_results.execution_id')
    .selectAll('row')
    .select(['action_results.result', 'action_results.sealed'])
    .where('action_results.sealed', '=', 1)
    .execute()
  for (const { result, sealed, ...row } of results) {
    if (secrets?.opens({ execution_id: row.execution_id, result, sealed })) continue
    const ending = {
      status: row.status as 'completed',
      at: row.finished_at ?? row.timestamp,
      reason,
    }
    await db
      .updateTable('action_results')
      .set({ result: resultOf(row, ending).text, sealed: 0 })
      .where('execution_id', '=', row.execution_id)
      .execute()
  }
  if (lost.length > 0) {
    await db.deleteFrom('sealed_originals').where('execution_id', 'in', lost).execute()
  }
  const left = await db
    .selectFrom('command_executions')
    .select('execution_id')
    .where('status', 'in', ['pending', 'queued'])
    .where('masked', '=', 1)
    .where('execution_id', 'not in', (sealed) =>
      sealed.selectFrom('sealed_originals').select('execution_id'),
    )
    .execute()
  return left.map((row) => row.execution_id)
}

async function end({ ledger }: History, executionId: number, log: Logger): Promise<void> {
  const row = await ledger.get(executionId)
  await endAction(
    // the next hub sends it
    { ledger, publishResult: () => {}, log },
    row,
    ['pending', 'queued'],
    { status: 'cancelled', at: Date.now(), reason, errorCategory: 'cancelled' },
    { kind: 'cancelled', data: { by: 'recover', reason } },
    { decided_by: 'recover' },
  )
}
