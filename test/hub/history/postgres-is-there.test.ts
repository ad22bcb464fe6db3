import { findPostgres, TestPostgres } from '../../support/postgres.ts'

const isThere = findPostgres() !== undefined
const describeThere = isThere ? describe : describe.skip

describeThere('PostgreSQL, on which the history is tested too where it is installed', () => {
  test('answers (skipped: `apt-get install postgresql`)', async () => {
    await using server = await TestPostgres.start()
    expect(await server.query('postgres', 'select 1 as one')).toEqual([{ one: 1 }])
  }, 60_000)
})
