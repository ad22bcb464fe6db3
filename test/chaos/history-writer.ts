/** Writes to a history without end and says what was acknowledged: for killing. */
import { TempDir } from '../support/temp-dir.ts'
import { HistoryFixture, queued } from '../support/history-fixture.ts'
import { asText } from '#hub/history/ledger/ledger-step.ts'

const [dataDir = '', prefix = ''] = process.argv.slice(2)
const dir = Object.assign(Object.create(TempDir.prototype) as TempDir, { path: dataDir })
const it = await HistoryFixture.open(dir, { backend: 'sqlite', dataDir })
process.stdout.write('ready\n')
for (let n = 0; ; n += 1) {
  const ids = await Promise.all(
    Array.from({ length: 4 }, async (_none, index) => {
      const actionId = `${prefix}-${n}-${index}`
      const intake = await it.ledger.takeIn(
        queued({ action_id: actionId, status: 'running', command: `echo ${actionId}` }),
        [{ kind: 'requested' }, { kind: 'started' }],
      )
      if (intake.kind !== 'new') return ''
      if (index === 0) return actionId
      await it.ledger.recordExecution(
        intake.executionId,
        {
          from: ['running'],
          to: 'completed',
          at: Date.now(),
          changes: { success: 1, finished_at: Date.now() },
          told: { kind: 'finished' },
        },
        { subject: 's', result: () => asText({ stdout: actionId } as never) },
      )
      return `${actionId} ended`
    }),
  )
  process.stdout.write(`${ids.join('\n')}\n`)
  // the memory is written at the same time, as in a hub
  if (n % 5 === 0) await it.indexer.step()
}
