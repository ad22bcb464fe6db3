import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ActionResult,
  actionResultSchema,
  type Bus,
  decode,
  requestSubject,
} from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

/** What `SYSTEM_ACTION_RESULT.<agent>.>` brings. */
async function resultsOf(bus: Bus, agentId: string): Promise<ActionResult[]> {
  const results: ActionResult[] = []
  bus.subscribe(`SYSTEM_ACTION_RESULT.${agentId}.>`, (message) => {
    results.push(decode(actionResultSchema, message.data))
  })
  await bus.flush()
  return results
}

async function sendRaw(bus: Bus, text: string | Uint8Array): Promise<void> {
  const data = typeof text === 'string' ? new TextEncoder().encode(text) : text
  await bus.connection.jetstream().publish(requestSubject('agent-a'), data)
}

const cases: readonly [string, string, RegExp][] = [
  ['text that is not JSON', 'not json', /not UTF-8 JSON/],
  ['an empty object', '{}', /command/],
  ['JSON that is no object', '[1]', /the message/],
  ['no command', '{"action_id":"x1"}', /exactly one of command and argv/],
  ['both forms', '{"action_id":"x2","command":"ls","argv":["ls"]}', /exactly one/],
  ['a command that is a number', '{"action_id":"x3","command":7}', /command.*7/],
  ['an empty command', '{"action_id":"x4","command":""}', /command: must not be empty/],
  ['a blank command', '{"action_id":"x5","command":" \\n "}', /command: must not be blank/],
  [
    'NUL in a command',
    '{"action_id":"x6","command":"ls\\u0000 x"}',
    /command: must not contain NUL/,
  ],
  [
    'a command over 16 KiB',
    JSON.stringify({ action_id: 'x7', command: `echo ${'a'.repeat(16_400)}` }),
    /16384/,
  ],
  ['an unknown field', '{"action_id":"x8","command":"ls","tiemout":3}', /tiemout/],
  [
    'a foreign agent_id',
    '{"action_id":"x9","command":"ls","agent_id":"agent-b"}',
    /agent_id.*agent-b/,
  ],
  ['a bad action id', '{"action_id":"a b","command":"ls"}', /action id.*a b/],
  ['a relative cwd', '{"action_id":"x10","command":"ls","cwd":"src"}', /cwd.*absolute/],
  [
    'a missing cwd',
    '{"action_id":"x11","command":"ls","cwd":"/no/such/place"}',
    /cwd.*\/no\/such\/place/,
  ],
  [
    'a cwd outside the roots',
    '{"action_id":"x12","command":"ls","cwd":"/usr"}',
    /cwd.*outside.*\/usr/,
  ],
  ['a timeout of zero', '{"action_id":"x13","command":"ls","timeout":0}', /timeout/],
  [
    'a timeout over the maximum',
    '{"action_id":"x14","command":"ls","timeout":601}',
    /timeout: 601 s.*600 s/,
  ],
  [
    'a dangerous variable',
    '{"action_id":"x15","command":"ls","env":{"LD_PRELOAD":"/x.so"}}',
    /LD_PRELOAD/,
  ],
  ['a variable that is no name', '{"action_id":"x16","command":"ls","env":{"A B":"c"}}', /env/],
  [
    'another target',
    '{"action_id":"x17","command":"ls","target":"elsewhere"}',
    /target.*elsewhere/,
  ],
  ['a wrong schema number', '{"action_id":"x18","command":"ls","schema":2}', /schema/],
]

describe('bad input', () => {
  test('each gets one rejected result that names what is wrong, is recorded, and the hub goes on', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const results = await resultsOf(bus, 'agent-a')
    for (const [, text] of cases) await sendRaw(bus, text)
    await sendRaw(bus, Uint8Array.from([0xff, 0xfe, 0x00]))
    await eventually(() => results.length === cases.length + 1)
    const missed = cases.filter(
      ([, , pattern]) => !results.some((result) => pattern.test(result.reason ?? '')),
    )
    expect(missed.map(([what]) => what)).toEqual([])
    expect(new Set(results.map((result) => result.status))).toEqual(new Set(['rejected']))
    for (const [, text] of cases.filter(([, body]) => /"x\d+"/.test(body))) {
      const id = (JSON.parse(text) as { action_id: string }).action_id
      expect(results.filter((result) => result.action_id === id)).toHaveLength(1)
    }

    const operator = await it.operator()
    const { entries } = await operator.history({ status: 'rejected', limit: 100 })
    expect(entries).toHaveLength(cases.length + 1)
    const agent = await it.agent()
    const good = await agent.requestAction('pwd')
    expect(await good.result({ timeoutMs: 5000 })).toMatchObject({ status: 'completed' })
    expect(it.log.of('error')).toEqual([])
  })

  test('a link inside a root that leads out of it is outside', async () => {
    await using it = await TestHub.start()
    await mkdir(join(it.workspace, 'inner'))
    await symlink('/usr', join(it.workspace, 'inner/way-out'))
    const agent = await it.agent()
    const asked = await agent.requestAction({
      command: 'ls',
      cwd: join(it.workspace, 'inner/way-out'),
    })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('outside'),
    })
  })

  test('bad calls of endpoints are answered with the field at fault', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('operator', 'alice')
    const call = async (endpoint: string, body: string): Promise<unknown> => {
      const reply = await bus.connection.request(`CENTRAL_POST.operator.alice.${endpoint}`, body)
      return reply.json()
    }
    expect(await call('deny', '{"action_id":"x"}')).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining('reason') },
    })
    expect(await call('history', '{"limit":100000}')).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining('limit') },
    })
    expect(await call('approve', 'nonsense')).toMatchObject({ error: { code: 'invalid_request' } })
    expect(await call('pending', '')).toMatchObject({ schema: 1, pending: [] })
  })
})

describe('the idempotency key', () => {
  test('the same request again is the same action: nothing runs twice, the result comes again', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const results = await resultsOf(bus, 'agent-a')
    const request = JSON.stringify({ action_id: 'once', command: 'echo once' })
    const reordered = JSON.stringify({ command: 'echo once', action_id: 'once' })
    for (const text of [request, request, reordered]) await sendRaw(bus, text)
    await eventually(() => results.length > 0)
    await sendRaw(bus, request)
    await eventually(() => results.length > 1)
    expect(new Set(results.map((result) => result.execution_id)).size).toBe(1)
    const operator = await it.operator()
    expect((await operator.history({})).entries).toHaveLength(1)
  })

  test('the same id with other content is rejected, and the first result stays', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const results = await resultsOf(bus, 'agent-a')
    await sendRaw(bus, JSON.stringify({ action_id: 'taken', command: 'echo first' }))
    await eventually(() => results.length === 1)
    await sendRaw(bus, JSON.stringify({ action_id: 'taken', command: 'echo second' }))
    await eventually(() => results.length === 2)
    expect(results[1]).toMatchObject({
      action_id: 'taken',
      command: 'echo second',
      status: 'rejected',
      reason: expect.stringContaining('"taken" was used before'),
    })
    const agent = await it.agent()
    expect(await agent.checkActionResult('taken')).toMatchObject({ stdout: 'first\n' })
    const stored = await it.broker.credentials('hub').then(async (credentials) => {
      const { connect } = await import('nats')
      const { clientOptions } = await import('../support/nats-server.ts')
      const hub = await connect(clientOptions(credentials))
      const manager = await hub.jetstreamManager()
      const message = await manager.streams.getMessage('SYSTEM_ACTION_RESULTS', {
        last_by_subj: 'SYSTEM_ACTION_RESULT.agent-a.taken',
      })
      await hub.close()
      return message.json<ActionResult>()
    })
    expect(stored).toMatchObject({ status: 'completed', stdout: 'first\n' })
  })

  test('two agents may use the same id for their own actions', async () => {
    await using it = await TestHub.start()
    const [first, second] = [await it.agent('agent-a'), await it.agent('agent-b')]
    const mine = await first.requestAction({ command: 'echo a', actionId: 'same' })
    const other = await second.requestAction({ command: 'echo b', actionId: 'same' })
    expect(await mine.result({ timeoutMs: 5000 })).toMatchObject({ stdout: 'a\n' })
    expect(await other.result({ timeoutMs: 5000 })).toMatchObject({ stdout: 'b\n' })
    const operator = await it.operator()
    await expect(operator.result('same')).rejects.toMatchObject({
      message: expect.stringContaining('name the agent'),
    })
  })

  test('a request without an id gets one, and runs once', async () => {
    await using it = await TestHub.start()
    const bus = await it.bus('agent', 'agent-a')
    const results = await resultsOf(bus, 'agent-a')
    await sendRaw(bus, '{"command":"echo nameless"}')
    await eventually(() => results.length === 1)
    expect(results[0]?.action_id).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    expect(results[0]).toMatchObject({ stdout: 'nameless\n' })
  })
})
