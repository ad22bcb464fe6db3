import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ApprovalNeeded } from '@centralpost/shared'
import type { Agent, Operator } from '@centralpost/agents'
import { livingWith } from '../hub/execution/executor-fixture.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

// The clock of the machine is set by hours (NTP, a virtual machine that was suspended) while actions wait and run. The hub
// in this process reads this clock; the broker and the runner read the machine's.

const hour = 3_600_000
const { now } = Date

let setByMs = 0

/** Sets the clock of this process, by so much against the machine's. */
const setClock = (byMs: number) => {
  setByMs = byMs
}

// a hub takes the function that it asks for the time when it starts
beforeAll(() => {
  Date.now = () => now() + setByMs
})
beforeEach(() => setClock(0))
afterAll(() => {
  Date.now = now
})

async function shownTo(operator: Operator, actionId: string): Promise<ApprovalNeeded> {
  return eventually(async () =>
    (await operator.pending()).find((one) => one.action_id === actionId),
  )
}

async function approved(agent: Agent, operator: Operator, command: string, workflowId: string) {
  const action = await agent.requestAction({ command, workflowId })
  await shownTo(operator, action.actionId)
  await operator.approve(action.actionId)
  return action.result({ timeoutMs: 10_000 })
}

describe.each([hour * 3, hour * -3])('a clock that is set by %i ms', (byMs) => {
  test('ends nothing that runs, and a time limit holds to the second', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const runs = await agent.requestAction({ command: 'sleep 1', timeoutSeconds: 60 })
    const limited = await agent.requestAction({ command: 'sleep 30', timeoutSeconds: 2 })
    await eventually(() => livingWith('CENTRALPOST_AGENT=agent-a').length >= 2)

    setClock(byMs)

    const [whole, cut] = await Promise.all([runs.result(), limited.result()])
    expect(whole).toMatchObject({ status: 'completed' })
    expect(whole.duration).toBeGreaterThan(0.9)
    expect(whole.duration).toBeLessThan(20)
    expect(cut).toMatchObject({ status: 'timed_out' })
    expect(cut.duration).toBeLessThan(20)
  })
})

describe('a clock that is set back', () => {
  test('gives no request longer to be decided than it has', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending: 2 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const action = await agent.requestAction('mkdir made')
    await shownTo(operator, action.actionId)

    setClock(-3 * hour)

    expect(await action.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'expired' })
    await expect(operator.approve(action.actionId)).rejects.toThrow('is expired already')
  })

  test('gives none longer either when the hub starts anew meanwhile', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending: 2 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const action = await agent.requestAction('mkdir made')
    await shownTo(operator, action.actionId)
    await it.stopHub()

    setClock(-3 * hour)
    await it.startHub()

    expect(await action.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'expired' })
  })

  test('lets no approval stand in line longer than it may', async () => {
    await using it = await TestHub.start()
    const { approvals, execution } = it.config
    await it.stopHub()
    // shorter than a settings file may say: behind other commands an approval holds for 20 times this
    await it.startHub({
      approvals: { ...approvals, execute_within: 0.2 },
      execution: { ...execution, parallel_per_agent: 1 },
    })
    const agent = await it.agent()
    const operator = await it.operator()
    const before = await agent.requestAction('sleep 10')
    const action = await agent.requestAction('mkdir made')
    await shownTo(operator, action.actionId)
    await operator.approve(action.actionId)

    setClock(-3 * hour)

    const { status, reason } = await action.result({ timeoutMs: 20_000 })
    expect([status, reason]).toEqual([
      'expired',
      expect.stringContaining('cleared, but not started by'),
    ])
    await before.cancel()
    expect(await before.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'cancelled' })
  })

  test('gives `expires_at` no later end', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const expiresAt = new Date(now() + 5000)
    const action = await agent.requestAction({ command: 'mkdir made', expiresAt })
    await shownTo(operator, action.actionId)

    setClock(-hour)

    expect(await action.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'expired' })
    await expect(operator.approve(action.actionId)).rejects.toThrow('is expired already')
  })

  test('lets no result be reused that something has written since', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const list = async () => {
      const asked = await agent.requestAction({
        command: 'ls',
        workflowId: 'wf',
        reuseResult: true,
      })
      return asked.result({ timeoutMs: 10_000 })
    }
    expect(await list()).toMatchObject({ stdout: '', reused_from: null })

    setClock(-3 * hour)
    expect(await approved(agent, operator, 'mkdir made', 'wf')).toMatchObject({
      status: 'completed',
    })

    expect(await list()).toMatchObject({ stdout: 'made\n', reused_from: null })
  })
})

test('a clock that is set forward ends what waits, and runs nothing of it', async () => {
  await using it = await TestHub.start()
  const agent = await it.agent()
  const operator = await it.operator()
  const action = await agent.requestAction('mkdir made')
  await shownTo(operator, action.actionId)

  setClock(3 * hour)

  await expect(operator.approve(action.actionId)).rejects.toThrow('is expired already')
  expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({ status: 'expired' })
})

test('a clock that goes back and forth leaves order and audit chain whole', async () => {
  await using it = await TestHub.start()
  const agent = await it.agent()
  const executions: number[] = []
  for (const byMs of [0, -3 * hour, 2 * hour, -hour, 0]) {
    setClock(byMs)
    const action = await agent.requestAction('echo tick')
    const { status, execution_id: execution } = await action.result({ timeoutMs: 10_000 })
    expect(status).toBe('completed')
    executions.push(execution ?? 0)
  }
  expect(executions).toEqual(executions.toSorted((a, b) => a - b))
  expect(new Set(executions).size).toBe(5)
  const operator = await it.operator()
  expect(await operator.verify()).toMatchObject({ intact: true })
})
