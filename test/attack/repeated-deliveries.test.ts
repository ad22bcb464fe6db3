import { actionResultSchema, decode } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const actions = 12
const copies = 12

test('each request delivered twelve times at once, some run at once and some stand in line: each runs once and has one result', async () => {
  await using it = await TestHub.start({
    config: { execution: { parallel: 4, parallel_per_agent: 3, sandbox: { mode: 'off' } } },
  })
  const agent = await it.bus('agent', 'agent-a')
  const results = new Map<string, Set<string>>()
  agent.subscribe('SYSTEM_ACTION_RESULT.agent-a.>', ({ data }) => {
    const result = decode(actionResultSchema, data)
    const seen = results.get(result.action_id) ?? new Set()
    results.set(result.action_id, seen.add(`${result.status} ${String(result.execution_id)}`))
  })
  const started = new Map<string, number>()
  agent.subscribe('SYSTEM_ACTION_START.agent-a.>', ({ subject }) => {
    started.set(subject, (started.get(subject) ?? 0) + 1)
  })
  await agent.flush()
  for (let copy = 0; copy < copies; copy += 1) {
    for (let n = 0; n < actions; n += 1) {
      const request = { schema: 1, action_id: `again-${n}`, command: `sleep 0.0${n + 1}` }
      agent.publish('SYSTEM_ACTION_REQUEST.agent-a', request)
    }
  }
  await agent.flush()

  await eventually(() => results.size === actions)
  const operator = await it.operator()
  await eventually(async () => {
    const [hub] = await operator.hubs()
    return hub?.running === 0 && hub.queued === 0 && hub.unpublished === 0
  })

  expect([...results.values()].map((seen) => [...seen][0]?.split(' ')[0])).toEqual(
    Array.from({ length: actions }, () => 'completed'),
  )
  expect([...results.values()].every((seen) => seen.size === 1)).toBe(true)
  expect([...started.values()]).toEqual(Array.from({ length: actions }, () => 1))
  expect(it.log.of('error')).toEqual([])
})
