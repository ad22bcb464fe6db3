import { setTimeout as delay } from 'node:timers/promises'
import SqliteDatabase from 'better-sqlite3'
import { TestHub } from '../support/hub.ts'

describe('a database that another process has locked', () => {
  test('costs no request and no result: what happened is recorded when it can be', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const running = await agent.requestAction('sleep 0.4')
    await delay(200)
    const other = new SqliteDatabase(it.databasePath)
    other.exec('begin immediate')
    const asked = agent.requestAction('echo while-locked')
    await delay(1500)
    other.exec('rollback')
    other.close()
    expect(await running.result({ timeoutMs: 8000 })).toMatchObject({ status: 'completed' })
    expect(await (await asked).result({ timeoutMs: 8000 })).toMatchObject({
      status: 'completed',
      stdout: 'while-locked\n',
    })
    const operator = await it.operator()
    expect((await operator.history({})).entries).toHaveLength(2)
    expect(it.log.of('error').length).toBeGreaterThan(0)
  })

  test('while the hub is being stopped costs nothing either: the next hub goes on with it, once', async () => {
    await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
    const agent = await it.agent()
    const running = await agent.requestAction('sleep 0.4')
    await delay(200)
    const other = new SqliteDatabase(it.databasePath)
    other.exec('begin immediate')
    const asked = await Promise.all(
      Array.from({ length: 6 }, (_, n) => agent.requestAction(`echo ${n}`)),
    )
    const stopped = it.stopHub()
    await delay(1500)
    other.exec('rollback')
    other.close()
    await stopped
    await it.startHub()
    // what the stopped hub could not take in, the broker brings again after its ack wait of 30 s at the latest
    expect(await running.result({ timeoutMs: 45_000 })).toMatchObject({ status: 'completed' })
    for (const [n, one] of asked.entries()) {
      expect(await one.result({ timeoutMs: 45_000 })).toMatchObject({ stdout: `${n}\n` })
    }
    const operator = await it.operator()
    expect((await operator.history({})).entries).toHaveLength(7)
    expect(await operator.verify()).toMatchObject({ intact: true })
  }, 90_000)
})
