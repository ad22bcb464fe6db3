import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { actionResultSchema, decode } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const actions = 24

/** Lets everybody decide on every action at once, and gives back what was said to whom. */
async function everybodyDecides(it: TestHub, restart: boolean) {
  const bus = await it.bus('agent', 'agent-a')
  const results: { action_id: string; status: string }[] = []
  bus.subscribe('SYSTEM_ACTION_RESULT.agent-a.>', ({ data }) => {
    results.push(decode(actionResultSchema, data))
  })
  await bus.flush()
  const agent = await it.agent()
  const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
  const ids = await Promise.all(
    Array.from({ length: actions }, async (_, n) => {
      const asked = await agent.requestAction({
        command: `echo ran-${n} >> ran`,
        actionId: `race-${n}`,
      })
      return asked.actionId
    }),
  )
  await eventually(async () => (await alice.pending()).length === actions)
  const decisions = ids.flatMap((id) => [
    alice.approve(id).then(() => ({ id, won: 'approve' })),
    bob.deny(id, 'no').then(() => ({ id, won: 'deny' })),
    bob.approve(id).then(() => ({ id, won: 'approve' })),
    agent.cancelAction(id).then(() => ({ id, won: 'cancel' })),
  ])
  const settled = Promise.allSettled(decisions)
  if (restart) {
    await it.stopHub()
    await it.startHub()
  }
  const won = (await settled).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  for (const left of await alice.pending()) await alice.deny(left.action_id, 'left over')
  await eventually(() => new Set(results.map((one) => one.action_id)).size === actions, 20_000)
  const ran = await readFile(join(it.workspace, 'ran'), 'utf8').catch(() => '')
  return { ids, won, results, ran: ran.split('\n').filter(Boolean) }
}

describe.each([
  ['while the hub serves', false],
  ['while the hub is stopped and another one starts', true],
])('approve twice, deny and cancel at once, %s', (_when, restart) => {
  test('each action ends once, runs at most once, and never after a denial that was confirmed', async () => {
    await using it = await TestHub.start({ config: { execution: { parallel: 8 } } })
    const { ids, won, results, ran } = await everybodyDecides(it, restart)
    expect(ran).toEqual([...new Set(ran)])
    for (const [n, id] of ids.entries()) {
      const statuses = new Set(
        results.filter((one) => one.action_id === id).map((one) => one.status),
      )
      expect([id, statuses.size]).toEqual([id, 1])
      const confirmed = won.filter((one) => one.id === id).map((one) => one.won)
      expect(confirmed.filter((one) => one === 'approve').length).toBeLessThanOrEqual(1)
      if (!confirmed.includes('deny')) continue
      expect([id, ...statuses]).toEqual([id, 'denied'])
      expect(confirmed).toEqual(['deny'])
      expect(ran).not.toContain(`ran-${n}`)
    }
  })
})
