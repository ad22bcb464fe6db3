import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { LedgerReads } from '#hub/history/ledger/ledger-reads.ts'
import type { Schema } from '#hub/history/store/schema.ts'
import { HistoryPlace } from '../../../support/history-fixture.ts'

test('no question of the flow reads the ledger from end to end', async () => {
  await using place = await HistoryPlace.open('sqlite')
  await using it = await place.make()
  const asked = new Set<string>()
  const file = new SqliteDatabase(join(it.dir.path, 'hub.db'), { readonly: true })
  const db = new Kysely<Schema>({
    dialect: new SqliteDialect({ database: file }),
    log: ({ query }) => {
      asked.add(query.sql)
    },
  })
  const flow = { agent_id: 'agent', workflow_id: 'flow', digest: 'digest' }
  await it.record({ command: 'ls', ...flow })
  const { commits, secrets } = it
  const reads = new LedgerReads({ db, dialect: it.store.dialect, commits, secrets })
  await reads.find('agent', 'action')
  await reads.findAll('action')
  await reads.get(1)
  await reads.inState('queued', 0)
  await reads.countInState('pending')
  await reads.oldestIn('pending')
  await reads.pendingWithDigest('digest')
  await reads.latestDenials('agent', 5, 250)
  await reads.hasWrittenSince(0)
  await reads.result(1)
  await reads.unpublished(10)
  await reads.countUnpublished()

  const plans = [...asked].map((text) => {
    const values = Array.from({ length: text.split('?').length - 1 }, () => 1)
    const steps = file.prepare(`explain query plan ${text}`).all(values) as { detail: string }[]
    return { text, plan: steps.map(({ detail }) => detail).join('; ') }
  })
  await db.destroy()
  expect(plans).toHaveLength(12)
  const slow = /SCAN (?!\w+ USING (?:COVERING )?INDEX)|PRIMARY KEY \(rowid[<>]/
  expect(plans.filter(({ plan }) => slow.test(plan))).toEqual([])
})
