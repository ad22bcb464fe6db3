import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { History } from '#hub/history/history.ts'
import { eventually } from '../../../support/eventually.ts'
import { HistoryPlace } from '../../../support/history-fixture.ts'
import { MemoryLog } from '../../../support/memory-log.ts'

test('an event that was changed while no hub ran is told of soon after the start, before anybody asks', async () => {
  await using place = await HistoryPlace.open('sqlite')
  await using it = await place.make()
  for (const command of ['echo one', 'echo two']) await it.record({ command })
  await it.close()
  const file = new SqliteDatabase(join(it.dir.path, 'hub.db'))
  for (const { name } of file
    .prepare<[], { name: string }>(`select name from sqlite_master where type = 'trigger'`)
    .all()) {
    file.exec(`drop trigger ${name}`)
  }
  file.exec(`update audit_events set data = '{}' where seq = 2`)
  file.exec(`update audit_events set kind = 'approved' where seq = 2`)
  file.close()

  const log = new MemoryLog()
  await using opened = new AsyncDisposableStack()
  const history = await History.open({
    location: { backend: 'sqlite', dataDir: it.dir.path },
    dataDir: it.dir.path,
    hubId: 'hub',
    lease: { marker: 'hub-1', leaseMs: 15_000, graceMs: 0 },
    masking: { isOn: true },
    onLost: () => {},
    log,
    lookThroughAfterMs: 0,
  })
  opened.use(history)
  const [told] = await eventually(() => log.of('error').length > 0 && log.of('error'))
  expect(JSON.stringify(told)).toContain('the history is damaged')
  expect(JSON.stringify(told)).toContain('event 2 was changed')
})
