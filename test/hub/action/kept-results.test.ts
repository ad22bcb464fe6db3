import {
  type ActionResult,
  actionResultSchema,
  Bus,
  decode,
  lastKeptMessage,
  requestSubject,
  resultStream,
  resultSubject,
  silentLogger,
  trimStream,
} from '@centralpost/shared'
import { prepareStreams } from '#hub/bus/streams.ts'
import { KeptResults } from '#hub/action/kept-results.ts'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { describeOnEach } from '../../support/nats-program.ts'
import { TestBroker } from '../../support/nats-server.ts'

describeOnEach('the results that a broker keeps', (program) => {
  test('are no more than may be, the newest, also when it was started anew', async () => {
    await using broker = await TestBroker.start({ agents: ['agent-a'], program })
    const credentials = await broker.credentials('hub')
    await using bus = await Bus.connect({ credentials, name: 'hub', log: silentLogger })
    await prepareStreams(bus, { requestDays: 7, resultDays: 7, queuedPerAgent: 100 })
    const text = 'x'.repeat(10_000)
    const store = (id: string) => bus.store(resultSubject('agent-a', id), { text })
    const { streams } = await bus.connection.jetstreamManager()
    const state = async () => (await streams.info(resultStream)).state
    for (let n = 0; n < 300; n += 1) await store(`a${n}`)
    // one subject again and again leaves gaps in the numbers: they must not cost others their results
    for (let n = 0; n < 600; n += 1) await store('again')

    const kept = new KeptResults({
      bus,
      putAway: () => Promise.resolve(0),
      maxAgeMs: 1,
      maxBytes: 1_000_000,
      now: Date.now,
      log: silentLogger,
    })
    await eventually(async () => (await state()).bytes <= 1_000_000)
    await kept.stop()
    const before = await state()
    expect(before.messages).toBeGreaterThan(85)
    const there = async (id: string) =>
      (await lastKeptMessage(bus, resultStream, resultSubject('agent-a', id))) !== null
    expect(await Promise.all(['a0', 'a100', 'a299', 'again'].map(there))).toEqual([
      false,
      false,
      true,
      true,
    ])

    await broker.kill9()
    await broker.isBack()
    await eventually(async () => (await state()).messages === before.messages, 20_000)
    await eventually(() => store('after').then(() => true))
    expect(await trimStream(bus, resultStream, 1_000_000)).toBeGreaterThanOrEqual(0)
    expect(await there('after')).toBe(true)
  }, 90_000)
})

test('an action whose output is no longer kept is told as its record is, and never runs again', async () => {
  await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
  const agent = await it.agent()
  const bus = await it.bus('agent', 'agent-a')
  const heard: ActionResult[] = []
  bus.subscribe('SYSTEM_ACTION_RESULT.agent-a.>', ({ data }) => {
    heard.push(decode(actionResultSchema, data))
  })
  await bus.flush()
  const requests = ['seq 1 1000', 'echo short'].map((command, n) => ({
    action_id: `old-${n}`,
    command,
  }))
  for (const request of requests) await bus.store(requestSubject('agent-a'), request)
  // what is refused because its id is used is told beside it
  await bus.store(requestSubject('agent-a'), { action_id: 'old-0', command: 'pwd' })
  await eventually(() => heard.length === 3)
  const operator = await it.operator()
  await eventually(async () => (await operator.hubs())[0]?.unpublished === 0)

  await it.stopHub()
  await it.startHub({
    history: { ...it.config.history, resultMs: 0 },
    broker: { ...it.config.broker, result_days: 0 },
  })
  await eventually(async () => (await agent.getAction('old-0')).result?.warnings.length === 1)
  const [long, short] = await Promise.all(['old-0', 'old-1'].map((id) => agent.getAction(id)))
  expect(long).toMatchObject({
    state: 'completed',
    result: {
      exit_code: 0,
      truncated: true,
      finished_at: heard.find((one) => one.stdout.startsWith('1\n2\n'))?.finished_at,
      warnings: [expect.stringContaining('no longer kept')],
    },
  })
  expect(long?.result?.stdout).toHaveLength(1000)
  expect(short?.result).toMatchObject({ stdout: 'short\n', truncated: false })

  heard.length = 0
  for (const request of requests) await bus.store(requestSubject('agent-a'), request)
  await bus.store(requestSubject('agent-a'), { action_id: 'old-0', command: 'pwd' })
  await eventually(() => heard.length === 3)
  expect(heard.map((one) => `${one.action_id} ${one.status}`).toSorted()).toEqual([
    'old-0 completed',
    'old-0 rejected',
    'old-1 completed',
  ])
  const started = (await operator.history({})).entries
  expect(started).toHaveLength(3)
  expect((await operator.verify()).intact).toBe(true)
}, 60_000)
