import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { actionResultSchema, type ActionResult, decode, requestSubject } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

async function listening(it: TestHub) {
  const bus = await it.bus('agent', 'agent-a')
  const results: ActionResult[] = []
  bus.subscribe('SYSTEM_ACTION_RESULT.agent-a.>', ({ data }) => {
    results.push(decode(actionResultSchema, data))
  })
  await bus.flush()
  const send = (request: object) => bus.store(requestSubject('agent-a'), request)
  return { bus, results, send }
}

describe('a request that comes again', () => {
  test('gets the same result although its directory has gone since', async () => {
    await using it = await TestHub.start()
    const { results, send } = await listening(it)
    const cwd = join(it.workspace, 'soon-gone')
    await mkdir(cwd)
    const request = { action_id: 'again', command: 'pwd', cwd }
    await send(request)
    await eventually(() => results.length === 1)
    await rm(cwd, { recursive: true })
    await send(request)
    await eventually(() => results.length === 2)
    expect(results[1]).toEqual(results[0])
    expect(results[0]?.status).toBe('completed')
  })

  test('gets the same rejection although it would be accepted now', async () => {
    await using it = await TestHub.start()
    const { results, send } = await listening(it)
    const cwd = join(it.workspace, 'made-later')
    const request = { action_id: 'again', command: 'pwd', cwd }
    await send(request)
    await eventually(() => results.length === 1)
    await mkdir(cwd)
    await send(request)
    await eventually(() => results.length === 2)
    expect(results[1]).toEqual(results[0])
    expect(results[0]?.reason).toMatch(/^cwd: does not exist/)
  })

  test('counts once against the cap of what waits, and the cap holds when all come at once', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending_per_agent: 10 } } })
    const { bus, results } = await listening(it)
    const operator = await it.operator()
    for (let round = 0; round < 2; round += 1) {
      // refusals in a row come at most one a second
      for (let n = 0; n < 20; n += 1) {
        bus.publish(requestSubject('agent-a'), { action_id: `w${n}`, command: `touch made-${n}` })
      }
    }
    await bus.flush()
    await eventually(() => new Set(results.map((one) => one.action_id)).size === 10, 50_000)
    expect(await operator.pending()).toHaveLength(10)
    expect(new Set(results.map((one) => one.status))).toEqual(new Set(['rejected']))
  })
})
