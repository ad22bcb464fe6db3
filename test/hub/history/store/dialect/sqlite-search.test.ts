import { openStore } from '#hub/history/store/database.ts'
import { newestHits, putSearchText } from '#hub/history/store/dialect/sqlite-search.ts'
import { searchQuery } from '#hub/history/store/search-query.ts'
import { TempDir } from '../../../../support/temp-dir.ts'

const words = (command: string) => ({ command, context: '', stdout: '', stderr: '' })

test('hits come newest first over the borders of the parts, each once, and stop where they should', async () => {
  await using dir = await TempDir.make()
  const location = { backend: 'sqlite', dataDir: dir.path } as const
  await (await openStore(location, 'ledger')).close()
  const store = await openStore(location, 'memory')
  const ids = [3, 99_998, 99_999, 100_000, 100_001, 1_250_000]
  const { db } = store
  await db.transaction().execute(async (tx) => {
    for (const id of ids) await putSearchText(tx, id, words(id === 99_999 ? 'other' : 'needle'))
    // as it was first is not found any more
    await putSearchText(tx, 3, words('needles'))
  })
  const found = async (typed: string, before: number, limit: number) =>
    newestHits(db, searchQuery(typed) ?? [], { before, limit })
  const all = Number.MAX_SAFE_INTEGER
  expect(await found('need', all, 10)).toEqual([1_250_000, 100_001, 100_000, 99_998, 3])
  expect(await found('"needle"', all, 10)).toEqual([1_250_000, 100_001, 100_000, 99_998])
  expect(await found('needle', all, 3)).toEqual([1_250_000, 100_001, 100_000])
  expect(await found('needle', 100_001, 2)).toEqual([100_000, 99_998])
  expect(await found('needle', 100_000, 1)).toEqual([99_998])
  expect(await found('other', all, 10)).toEqual([99_999])
  expect(await found('nowhere', all, 10)).toEqual([])
  await store.close()
})
