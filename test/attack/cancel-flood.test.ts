import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const actions = 300

test('two hundred running and a hundred queued actions are cancelled at once: each has its one result, and no place is lost', async () => {
  await using it = await TestHub.start({
    config: {
      execution: {
        parallel: 201,
        parallel_per_agent: 200,
        kill_grace: 1,
        sandbox: { mode: 'off' },
      },
    },
  })
  const agent = await it.agent()
  const asked = await Promise.all(
    Array.from({ length: actions }, (_, n) =>
      agent.requestAction({ command: 'sleep 1000', actionId: `flood-${n}` }),
    ),
  )
  const results = asked.map((one) => one.result({ timeoutMs: 60_000 }))
  const operator = await it.operator()
  await eventually(async () => (await operator.hubs())[0]?.running === 200, 30_000)

  // an agent may have 64 calls waiting at a time
  const cancelAll = async (from: number) => {
    for (let n = from; n < actions; n += 60) await agent.cancelAction(`flood-${n}`)
  }
  await Promise.all(Array.from({ length: 60 }, (_, from) => cancelAll(from)))

  const ended = await Promise.all(results)
  expect(new Set(ended.map((one) => `${one.status} ${String(one.reason)}`))).toEqual(
    new Set(['cancelled cancelled by agent agent-a']),
  )
  await eventually(async () => {
    const [hub] = await operator.hubs()
    return hub?.running === 0 && hub.queued === 0 && hub.unpublished === 0
  })
  expect(await (await agent.requestAction('echo next')).result()).toMatchObject({
    stdout: 'next\n',
  })
}, 120_000)
