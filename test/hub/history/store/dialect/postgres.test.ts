import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { openStore } from '#hub/history/store/database.ts'
import { isLostConnection, isTransientError } from '#hub/history/store/transient-error.ts'
import { findPostgres, TestPostgres } from '../../../../support/postgres.ts'

const describePostgres = findPostgres() === undefined ? describe.skip : describe

describePostgres('a connection to PostgreSQL', () => {
  test('that is lost within a transaction fails the transaction, not the process', async () => {
    await using server = await TestPostgres.start()
    const store = await openStore({ backend: 'postgres', url: await server.database() }, 'ledger')
    await using opened = new AsyncDisposableStack()
    opened.defer(() => store.close())
    const done = store.db.transaction().execute(async (tx) => {
      await sql`select 1`.execute(tx)
      await server.endConnections()
      // the server's word arrives while no statement is under way
      await delay(100)
      await sql`select 2`.execute(tx)
    })
    const fault = await done.catch((error: unknown) => error)
    expect(isLostConnection(fault)).toBe(true)
    expect(isTransientError(fault)).toBe(true)
    const { rows } = await sql<{ n: number }>`select 3 as n`.execute(store.db)
    expect(rows).toEqual([{ n: 3 }])
  }, 60_000)
})
