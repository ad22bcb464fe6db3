import type { CommandHistory } from '#hub/history/threads/command-history.ts'
import type { IndexerMethods } from '#hub/history/threads/history-thread.ts'
import { HistoryWorker } from '#hub/history/threads/history-worker.ts'
import { eventually } from '../../../support/eventually.ts'
import { HistoryPlace } from '../../../support/history-fixture.ts'

test('a history thread answers, tells faults by their code, and is started anew when it has died', async () => {
  await using place = await HistoryPlace.open('sqlite')
  await using it = await place.make()
  await it.record({ command: 'echo something' })
  const { location } = it
  const indexer = HistoryWorker.start({ role: 'indexer', location, hubId: 'hub' })
  const reader = HistoryWorker.start({ role: 'reader', location, hubId: 'hub' })
  try {
    await indexer.methods<IndexerMethods>().index()
    const history = reader.methods<CommandHistory>()
    expect(await history.searchCommands('something')).toHaveLength(1)
    await expect(history.search({ limit: 1, cursor: '?' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const fatal = reader.methods<{ close(): Promise<void> }>().close()
    await expect(fatal).rejects.toThrow(/ended/)
    expect(await eventually(() => history.searchCommands('something'))).toHaveLength(1)
  } finally {
    await Promise.all([indexer.close(), reader.close()])
  }
  await expect(reader.methods<CommandHistory>().getRecentExecutions()).rejects.toThrow(/closed/)
}, 60_000)
