import type { Bus } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const results = (bus: Bus, agentId: string) => {
  const found: { status: string; reason: string | null }[] = []
  bus.subscribe(`SYSTEM_ACTION_RESULT.${agentId}.>`, (message) => {
    found.push(
      JSON.parse(new TextDecoder().decode(message.data)) as { status: string; reason: string },
    )
  })
  return found
}
const send = (bus: Bus, text: string) =>
  bus.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', text)
const stillServes = async (it: TestHub): Promise<void> => {
  const other = await it.agent('agent-b')
  const asked = await other.requestAction('pwd')
  expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'completed' })
  expect(it.log.of('error')).toEqual([])
}

/** Nothing that an agent can send may stop the hub from serving the others. */
describe('messages made to be too much', () => {
  test.each([
    [
      'tens of thousands of faults',
      () =>
        `{"action_id":"x","command":"pwd","env":{${Array.from({ length: 16_000 }, (_, n) => `"0${n}":1`).join()}}}`,
    ],
    [
      'tens of thousands of unknown fields',
      () =>
        `{"action_id":"x","command":"pwd",${Array.from({ length: 16_000 }, (_, n) => `"f${n}":1`).join()}}`,
    ],
    [
      'nesting without end',
      () => `{"action_id":"x","command":${'['.repeat(60_000)}${']'.repeat(60_000)}}`,
    ],
    ['a name of a prototype', () => '{"action_id":"x","command":"pwd","__proto__":{"a":1}}'],
    ['an enormous number', () => `{"action_id":"x","command":"pwd","timeout":${'9'.repeat(5000)}}`],
  ])('%s: one small rejection, and the hub serves on', async (_what, text) => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const found = results(bus, 'agent-a')
    await bus.flush()
    await send(bus, text())
    await eventually(() => found.length === 1)
    expect(found[0]?.status).toBe('rejected')
    expect((found[0]?.reason ?? '').length).toBeLessThan(5000)
    await stillServes(it)
  })

  test('more waits than one answer can carry: it comes in pages', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const long = 'x'.repeat(15_000)
    for (let n = 0; n < 50; n += 1) await agent.requestAction(`touch ${n}${long}`)
    await eventually(async () => (await operator.pending()).length === 50, 20_000)
    const { entries, next } = await operator.history({ limit: 500 })
    expect(entries.length).toBeGreaterThan(10)
    expect(entries.length < 50 ? next : 0).not.toBeNull()
    await stillServes(it)
  })

  test('more waits than one page looks at: all of it is listed, also for one agent among others', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending_per_agent: 1000 } } })
    const [first, last] = [await it.agent('agent-a'), await it.agent('agent-b')]
    const operator = await it.operator()
    await Promise.all(Array.from({ length: 230 }, (_, n) => first.requestAction(`touch a${n}`)))
    await eventually(async () => (await operator.pending()).length === 230, 20_000)
    await last.requestAction('touch b')
    await eventually(async () => (await operator.pending({ agentId: 'agent-b' })).length === 1)
    expect(await operator.pending()).toHaveLength(231)
  })

  test('parts that repeat the command, and control characters that grow: it is shown, bounded, and can be decided', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const text = `${'env '.repeat(9)}touch ${'\u0001'.repeat(16_000)}`
    const asked = await agent.requestAction({
      command: text,
      context: '\u0001'.repeat(8000),
      env: { FILLER: 'x'.repeat(8000) },
    })
    await eventually(async () => (await operator.pending()).length === 1)
    await it.stopHub()
    await it.startHub()
    expect(await operator.pending()).toHaveLength(1)
    expect((await agent.classify(text)).plan).toBeDefined()
    await operator.deny(asked.actionId, 'too much')
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'denied' })
    await stillServes(it)
  })
})
