import { expect, test } from '@jest/globals'
import { actionStream, resultStream } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { eventsOf, Post, type Seen } from './post.ts'

/** Where an agent would like the broker or the hub to speak in its place. */
const targets = [
  ...eventsOf('agent-b'),
  'CENTRAL_POST.operator.alice.approve',
  'CENTRAL_POST.agent.agent-b.cancel',
  'CENTRAL_POST.hub.lease',
  'CENTRAL_POST.hub.rules',
  'SYSTEM_ACTION_REQUEST.agent-b',
  `$JS.API.STREAM.PURGE.${actionStream}`,
  '_INBOX.hub.x',
  '_INBOX.agent-agent-b.x',
]

test.each(targets)(
  'the confirmation of a request that names the reply %s reaches only its own agent',
  async (target) => {
    await using post = await Post.start()
    const a = await post.as('agent', 'agent-a')

    await a.publish('SYSTEM_ACTION_REQUEST.agent-a', 'bait', target)

    await eventually(() => post.seen['agent-a'].some(({ subject }) => subject === target))
    await expectNobodyElse(post, target)
    expect(await post.stored(actionStream)).toEqual({ 'SYSTEM_ACTION_REQUEST.agent-a': 1 })
  },
)

test.each(targets)(
  'the answer to a question that names the reply %s reaches only its own agent',
  async (target) => {
    await using post = await Post.start()
    const a = await post.as('agent', 'agent-a')

    await a.publish('CENTRAL_POST.agent.agent-a.state', '{"decision":"approve_once"}', target)

    await eventually(() => post.seen['agent-a'].some(({ subject }) => subject === target))
    await expectNobodyElse(post, target)
    expect(post.calls.map(({ subject }) => subject)).toEqual(['CENTRAL_POST.agent.agent-a.state'])
    expect(await post.stored(actionStream)).toEqual({})
  },
)

test('a reply that names the own request subject makes no further request', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')

  await a.publish('SYSTEM_ACTION_REQUEST.agent-a', 'bait', 'SYSTEM_ACTION_REQUEST.agent-a')
  await a.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', 'mine')

  await post.settle()
  expect(await post.stored(actionStream)).toEqual({ 'SYSTEM_ACTION_REQUEST.agent-a': 2 })
})

test.each([
  ['a result', 'SYSTEM_ACTION_RESULT.agent-b.x'],
  ['a request', 'SYSTEM_ACTION_REQUEST.agent-b'],
  ['the approval of another operator', 'CENTRAL_POST.operator.bob.approve'],
  ['a question of an agent', 'CENTRAL_POST.agent.agent-b.cancel'],
  ['a message between hubs', 'CENTRAL_POST.hub.lease'],
  ['that a rule was made', 'CENTRAL_POST.hub.rules'],
  ['a call of the JetStream API', `$JS.API.STREAM.PURGE.${actionStream}`],
  ['an answer to the hub', '_INBOX.hub.x'],
  ['an answer to the endpoints', '_INBOX.hub-endpoints.x'],
])("an operator cannot make the hub's answer %s", async (_what, target) => {
  await using post = await Post.start()
  const alice = await post.as('operator', 'alice')

  for (const asked of ['CENTRAL_POST.operator.alice.pending', '$SRV.PING']) {
    await alice.publish(asked, '{"decision":"approve_once"}', target)
  }

  await eventually(() => post.endpoints.refused.length === 2)
  expect(post.endpoints.refused).toEqual([`publish ${target}`, `publish ${target}`])
  await expectNobodyElse(post, target)
  expect(post.calls.map(({ subject }) => subject)).toEqual(['CENTRAL_POST.operator.alice.pending'])
  expect(await post.stored(actionStream)).toEqual({})
})

test('an operator cannot make the broker say that nobody listens in the place of another', async () => {
  await using post = await Post.start()
  const alice = await post.as('operator', 'alice')

  await alice.publish('CENTRAL_POST.operator.alice.nothing', '', 'SYSTEM_ACTION_RESULT.agent-b.x')

  await expectNobodyElse(post, 'SYSTEM_ACTION_RESULT.agent-b.x')
  expect(post.calls).toEqual([])
})

async function expectNobodyElse(post: Post, target: string): Promise<void> {
  await post.settle()
  const atTarget = (seen: readonly Seen[]) => seen.filter(({ subject }) => subject === target)
  expect(atTarget(post.seen.hub)).toEqual([])
  expect(atTarget(post.seen['agent-b'])).toEqual([])
  expect(atTarget(post.calls)).toEqual([])
  expect(await post.stored(resultStream)).toEqual({})
}
