import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

test('decisions that are under way when the broker dies are told again, and each is made once', async () => {
  await using it = await TestHub.start({ config: { approvals: { denials_to_cool_down: 100 } } })
  const agent = await it.agent()
  const alice = await it.operator('alice')
  for (let round = 0; round < 3; round += 1) {
    const actions = await Promise.all(
      Array.from({ length: 8 }, (_, nth) =>
        agent.requestAction({ command: `touch r${round}-${nth}`, cwd: it.workspace }),
      ),
    )
    await eventually(async () => (await alice.pending()).length === 8)
    const decided = actions.map(({ actionId }, nth) =>
      nth % 2 === 0 ? alice.approve(actionId) : alice.deny(actionId, 'no'),
    )
    await it.broker.kill9()
    for (const one of await Promise.all(decided)) expect(one.decided_by).toBe('alice')
    const results = await Promise.all(actions.map((action) => action.result()))
    expect(results.map(({ status }) => status)).toEqual(
      actions.map((_, nth) => (nth % 2 === 0 ? 'completed' : 'denied')),
    )
  }
})

test('another operator’s decision is a conflict, also after the broker died', async () => {
  await using it = await TestHub.start()
  const agent = await it.agent()
  const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
  const action = await agent.requestAction({ command: 'touch x', cwd: it.workspace })
  await eventually(async () => (await alice.pending()).length === 1)
  await alice.deny(action.actionId, 'no')
  await it.broker.kill9()
  await expect(bob.approve(action.actionId)).rejects.toMatchObject({
    code: 'conflict',
    details: { decided_by: 'alice' },
  })
})
