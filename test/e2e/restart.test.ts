import { Bus, countMessages, silentLogger } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

describe('a hub that stops and starts', () => {
  test('requests sent while no hub runs are served by the next one', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    await it.stopHub()
    const asked = await agent.requestAction('echo waited')
    await it.startHub()
    expect(await asked.result({ timeoutMs: 10_000 })).toMatchObject({ stdout: 'waited\n' })
  })

  test('what waits for a person still waits, with the same deadline, and can be decided', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch made')
    const [before] = await eventually(async () => {
      const pending = await operator.pending()
      return pending.length === 1 && pending
    })
    await it.stopHub()
    await it.startHub()
    const [after] = await operator.pending()
    expect(after).toEqual(before)
    await operator.approve(asked.actionId)
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'completed' })
  })

  test('an approval that ran out while no hub ran expires at the next start', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending: 1 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch made')
    await eventually(async () => (await operator.pending()).length === 1)
    await it.stopHub()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await it.startHub()
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'expired' })
  })

  test('a stop lets a running command finish, and its agent gets the result', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch busy; sleep 0.5; echo done')
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.approve(asked.actionId)
    await eventually(async () => (await operator.result(asked.actionId)).state === 'running')
    await it.stopHub()
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      stdout: 'done\n',
    })
  })

  test('past the grace period a stop ends what runs, and says so; it is not run again', async () => {
    await using it = await TestHub.start({ config: { hub: { stop_grace: 0.3 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch busy; sleep 30')
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.approve(asked.actionId)
    await eventually(async () => (await operator.result(asked.actionId)).state === 'running')
    const stopped = Date.now()
    await it.stopHub()
    expect(Date.now() - stopped).toBeLessThan(5000)
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'interrupted',
      reason: expect.stringContaining('stopped'),
    })
    await it.startHub()
    expect((await operator.result(asked.actionId)).state).toBe('interrupted')
  })

  test('a second hub on the same data directory refuses to start', async () => {
    await using it = await TestHub.start()
    await expect(it.startHub()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(it.dataDir),
    })
  })

  test('a broker that dies and comes back costs no request and no result', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const before = await agent.requestAction('echo before')
    await before.result({ timeoutMs: 5000 })
    await it.broker.kill9()
    const during = agent.requestAction('echo during', { timeoutMs: 20_000 })
    await it.broker.isBack()
    expect(await (await during).result({ timeoutMs: 20_000 })).toMatchObject({ stdout: 'during\n' })
    const after = await agent.requestAction('echo after')
    expect(await after.result({ timeoutMs: 10_000 })).toMatchObject({ stdout: 'after\n' })
  })

  test('requests without an id that a dead broker brings back do not run again, and are cleared away', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const operator = await it.operator()
    const stream = bus.connection.jetstream()
    for (let n = 0; n < 20; n += 1) {
      await stream.publish('SYSTEM_ACTION_REQUEST.agent-a', `{"command":"echo nameless ${n}"}`)
    }
    await eventually(
      async () => (await operator.history({ status: 'completed' })).entries.length === 20,
    )
    await it.broker.kill9()
    await it.broker.isBack()
    const hub = await Bus.connect({
      credentials: await it.broker.credentials('hub'),
      name: 'looks',
      log: silentLogger,
    })
    await eventually(async () => (await countMessages(hub, 'SYSTEM_ACTIONS')) === 0)
    await hub.drain()
    const { entries } = await eventually(() => operator.history({ limit: 100 }))
    expect(entries).toHaveLength(20)
  })
})
