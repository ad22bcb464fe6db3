import SqliteDatabase from 'better-sqlite3'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

// A row that has not ended, and of which the hub that works knows nothing: a hub that lost its turn may leave one at any
// moment. Each is found, by the ledger, and has its end.

test('actions that no timer, no line and no run of the hub knows have their end all the same', async () => {
  await using test = await TestHub.start({ config: { approvals: { pending: 120 } } })
  await using agent = await test.agent()
  const done = await agent.requestAction('echo done')
  await done.result({ timeoutMs: 30_000 })
  const asked = await agent.requestAction('rm -r nothing-there')
  await using operator = await test.operator()
  await eventually(async () => (await operator.pending()).length === 1)

  using file = closing(new SqliteDatabase(test.databasePath, { timeout: 10_000 }))
  const columns = (
    file.db
      .prepare('select name from pragma_table_info(?)')
      .pluck()
      .all('command_executions') as string[]
  ).filter((name) => name !== 'execution_id')
  const orphan = (from: string, changes: Readonly<Record<string, string>>): void => {
    const values = columns.map((name) => changes[name] ?? name)
    file.db
      .prepare(
        `insert into command_executions (${columns.join()}) select ${values.join()}
          from command_executions where action_id = ?`,
      )
      .run(from)
  }
  const unended = { finished_at: 'null', exit_code: 'null', success: 'null' }
  orphan(asked.actionId, { action_id: `'late'`, deadline: String(Date.now() + 3000) })
  orphan(done.actionId, { ...unended, action_id: `'in-line'`, status: `'queued'` })
  orphan(done.actionId, { ...unended, action_id: `'running'`, status: `'running'` })

  const ends = file.db.prepare(
    `select action_id, status from command_executions e join action_results r using (execution_id)
      where action_id in ('late', 'in-line', 'running') and r.published_at is not null order by action_id`,
  )
  await eventually(() => ends.all().length === 3, 60_000)
  expect(ends.all()).toEqual([
    { action_id: 'in-line', status: 'completed' },
    { action_id: 'late', status: 'expired' },
    { action_id: 'running', status: 'interrupted' },
  ])
  // what is watched is left alone
  expect((await operator.pending()).map((one) => one.action_id)).toEqual([asked.actionId])
  expect(await operator.verify()).toMatchObject({ intact: true })
}, 120_000)

function closing(
  db: SqliteDatabase.Database,
): { readonly db: SqliteDatabase.Database } & Disposable {
  return { db, [Symbol.dispose]: () => db.close() }
}
