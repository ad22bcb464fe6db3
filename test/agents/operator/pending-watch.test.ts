import { type PendingChange, PendingWatch } from '#agents/operator/pending-watch.ts'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

test('an approval shows as it is given, also of an action that then waits for its turn', async () => {
  await using it = await TestHub.start({
    config: {
      approvals: { quorum: { low: 2, medium: 2, high: 2 } },
      execution: { parallel: 1, parallel_per_agent: 1 },
    },
  })
  const [agent, alice, bob] = [await it.agent(), await it.operator(), await it.operator('bob')]
  const changes: PendingChange[] = []
  const watch = await PendingWatch.open(alice, {}, (change) => changes.push(change))
  try {
    const busy = await agent.requestAction('sleep 3')
    const { actionId } = await agent.requestAction('touch made')
    await eventually(() => watch.pending.length === 1)

    await bob.approve(actionId)
    await eventually(() => watch.pending[0]?.approvals.includes('bob'))
    expect(changes.map(({ kind }) => kind)).toEqual(['arrived', 'changed'])

    await alice.approve(actionId)
    await eventually(() => watch.pending.length === 0)
    expect(changes.at(-1)).toMatchObject({ kind: 'gone', gone: { outcome: 'approved' } })
    // it was not its start that told
    expect(await agent.checkActionResult(busy.actionId)).toBeNull()
    expect((await agent.getAction(actionId)).state).toBe('queued')
  } finally {
    await watch.close()
  }
})
