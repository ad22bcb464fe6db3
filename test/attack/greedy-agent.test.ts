import { actionResultSchema, type ActionResult, decode } from '@centralpost/shared'
import { hubConfigSchema } from '@centralpost/hub'
import { placesPerAgent } from '#hub/execution/execution-settings.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

// One agent asks for all that it can get. What it gets is bounded, and others have their places.

const unconfined = { sandbox: { mode: 'off' as const } }

test.each([
  [{}, 3],
  [{ parallel: 1 }, 1],
  [{ parallel: 2 }, 1],
  [{ parallel: 4, parallel_per_agent: 4 }, 3],
  [{ parallel: 4, parallel_per_agent: 2 }, 2],
  [{ parallel: 4, parallel_per_agent: 200 }, 3],
])('of the places of %j one agent may hold %i', (execution, places) => {
  expect(placesPerAgent(hubConfigSchema.parse({ execution }).execution)).toBe(places)
})

test('with the default settings one agent that runs what never ends leaves a place to others', async () => {
  await using it = await TestHub.start({ config: { execution: unconfined } })
  const greedy = await it.agent('agent-a')
  const running = await Promise.all(
    Array.from({ length: 5 }, () => greedy.requestAction('sleep 600')),
  )
  const operator = await it.operator()
  await eventually(async () => {
    const [hub] = await operator.hubs()
    return hub?.running === 3 && hub.queued === 2
  })
  const other = await it.agent('agent-b')
  const asked = await other.requestAction('echo served')
  expect(await asked.result({ timeoutMs: 20_000 })).toMatchObject({ stdout: 'served\n' })
  await Promise.all(running.map(({ actionId }) => operator.cancel(actionId)))
})

describe('more than may stand in line', () => {
  test('is rejected, with when to come again, slowly, and what came before is not lost', async () => {
    await using it = await TestHub.start({
      config: { execution: { ...unconfined, queued_per_agent: 5 } },
    })
    const bus = await it.bus('agent', 'agent-a')
    const results: ActionResult[] = []
    bus.subscribe('SYSTEM_ACTION_RESULT.agent-a.>', ({ data }) => {
      results.push(decode(actionResultSchema, data))
    })
    const send = (id: string, command: string): void => {
      bus.publish('SYSTEM_ACTION_REQUEST.agent-a', { schema: 1, action_id: id, command })
    }
    for (let n = 0; n < 200; n += 1) send(`greedy-${n}`, 'sleep 600')
    const operator = await it.operator()
    const [first] = await eventually(() => results.length > 1 && results)
    expect(first).toMatchObject({
      status: 'rejected',
      reason: expect.stringMatching(/^5 actions of "agent-a" .*in about \d+ s.*new action_id$/),
      retry_after: expect.any(Number),
    })
    const [hub] = await operator.hubs()
    expect(hub).toMatchObject({ running: 3, queued: 5 })

    // those that were taken in are known when they come again, however full the line is
    send('greedy-7', 'sleep 600')
    await new Promise((resolve) => setTimeout(resolve, 2000))
    expect(results.filter(({ action_id: id }) => id === 'greedy-7')).toEqual([])
    // each refusal is a row in the ledger: there are few of them, and the rest waits with the broker
    expect(results.length).toBeLessThan(12)

    const other = await it.agent('agent-b')
    const asked = await other.requestAction('echo served')
    expect(await asked.result({ timeoutMs: 20_000 })).toMatchObject({ stdout: 'served\n' })
    for (let n = 0; n < 8; n += 1) await operator.cancel(`greedy-${n}`)
  })

  test('is counted also of what a person must decide, and says when it can be decided at the latest', async () => {
    await using it = await TestHub.start({
      config: { approvals: { pending_per_agent: 2, pending: 40 } },
    })
    const agent = await it.agent()
    for (let n = 0; n < 2; n += 1) await agent.requestAction(`touch wanted-${n}`)
    const third = await agent.requestAction('touch wanted-2')
    expect(await third.result({ timeoutMs: 20_000 })).toMatchObject({
      status: 'rejected',
      reason: expect.stringMatching(/^2 actions of "agent-a" wait for approval already.*40 s/),
      retry_after: 40,
    })
  })
})
