import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from '@centralpost/agents'
import SqliteDatabase from 'better-sqlite3'
import { livingWith } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestHub } from '../support/hub.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

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

  test('is said to whoever decides meanwhile, who may try again: what was not recorded was not done', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await Promise.all(
      ['a', 'b', 'c'].map((name) => agent.requestAction(`mkdir ${name}`)),
    )
    const [approved, denied, cancelled] = asked
    if (!approved || !denied || !cancelled) throw new Error('three were asked for')
    await eventually(async () => (await operator.pending()).length === 3)
    const decide = [
      () => operator.approve(approved.actionId),
      () => operator.deny(denied.actionId, 'no'),
      () => cancelled.cancel(),
    ]

    const other = new SqliteDatabase(it.databasePath)
    other.exec('begin exclusive')
    for (const one of decide) {
      await expect(one()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('cannot write its history at the moment'),
      })
    }
    other.exec('rollback')
    other.close()
    expect(existsSync(join(it.workspace, 'a'))).toBe(false)
    expect(await operator.pending()).toHaveLength(3)

    for (const one of decide) await one()
    const results = await Promise.all(asked.map((one) => one.result({ timeoutMs: 10_000 })))
    expect(results.map(({ status }) => status)).toEqual(['completed', 'denied', 'cancelled'])
  })

  test('while a hub starts after a crash is waited for', async () => {
    await using workspace = await TempDir.make()
    await using broker = await TestBroker.start({ agents: ['agent-a'], operators: [] })
    await using hub = await HubProcess.make(broker.dataDir, workspace.path, 'hub: { id: locked }\n')
    await hub.start()
    await using agent = await Agent.connect({
      name: 'agent-a',
      credentials: await broker.credentials('agent', 'agent-a'),
    })
    const action = await agent.requestAction('sleep 100')
    await eventually(() => livingWith(`CENTRALPOST_ACTION=${action.actionId}`).length > 0)
    await hub.kill9()
    const other = new SqliteDatabase(join(broker.dataDir, 'hub.db'))
    other.exec('begin exclusive')
    const started = hub.start()
    await eventually(async () =>
      (await readFile(hub.logFile, 'utf8')).includes('the database cannot be written'),
    )
    other.exec('rollback')
    other.close()

    await started
    expect(await action.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'interrupted' })
    expect(await hub.stop()).toBe(0)
  })
})
