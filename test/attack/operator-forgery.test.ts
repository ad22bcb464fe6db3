import { expect, test } from '@jest/globals'
import { actionStream, resultStream } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { eventsOf, Post } from './post.ts'

test('an operator reads every event and asks under its own name', async () => {
  await using post = await Post.start()
  const alice = await post.as('operator', 'alice')
  const heard = [...eventsOf('*'), 'SYSTEM_ACTION_REQUEST.*'].map((subject) =>
    alice.listen(subject),
  )
  await alice.connection.flush()

  const answer = await alice.connection.request('CENTRAL_POST.operator.alice.approve', 'x')
  for (const subject of eventsOf('agent-a')) await post.hub.publish(subject, 'told')
  const a = await post.as('agent', 'agent-a')
  await a.publish('SYSTEM_ACTION_REQUEST.agent-a', 'asked')

  expect(answer.string()).toBe('x')
  await eventually(() => heard.every((seen) => seen.length === 1))
  expect(alice.refused).toEqual([])
})

test.each([
  ['the approval of another operator', ['CENTRAL_POST.operator.bob.approve']],
  ['a request', ['SYSTEM_ACTION_REQUEST.agent-a', 'SYSTEM_ACTION_REQUEST.alice']],
  ['what the hub says', eventsOf('agent-a')],
  ['a question of an agent', ['CENTRAL_POST.agent.agent-a.cancel']],
  ['a message between hubs', ['CENTRAL_POST.hub.lease']],
  ['that a rule was made', ['CENTRAL_POST.hub.rules']],
  ['an answer to somebody', ['_INBOX.hub.x', '_INBOX.operator-bob.x', '_R_.x']],
  [
    'a call of the JetStream API',
    [
      '$JS.API.INFO',
      `$JS.API.STREAM.DELETE.${resultStream}`,
      `$JS.ACK.${actionStream}.hub.1.1.1.1.1`,
    ],
  ],
])('an operator that publishes %s is refused and reaches nobody', async (_what, subjects) => {
  await using post = await Post.start()
  const alice = await post.as('operator', 'alice')

  for (const subject of subjects) await alice.publish(subject)

  await eventually(() => alice.refused.length === subjects.length)
  expect(alice.refused).toEqual(subjects.map((subject) => `publish ${subject}`))
  await post.settle()
  expect(post.calls).toEqual([])
  expect(post.seen.hub.filter(({ text }) => text === 'forged')).toEqual([])
  expect(await post.stored(actionStream)).toEqual({})
  expect(await post.stored(resultStream)).toEqual({})
})

test('an operator does not hear what others are answered', async () => {
  await using post = await Post.start()
  const alice = await post.as('operator', 'alice')
  const subjects = ['_INBOX.>', '_INBOX.operator-bob.>', '_INBOX.hub.>', '_R_.>', '$JS.>', '>']

  for (const subject of subjects) alice.listen(subject)

  await eventually(() => alice.refused.length === subjects.length)
  expect(alice.refused).toEqual(subjects.map((subject) => `subscription ${subject}`))
})

test.each([
  ['hub', ['CENTRAL_POST.operator.alice.approve', 'SYSTEM_ACTION_REQUEST.agent-a']],
  [
    'hub-endpoints',
    ['CENTRAL_POST.operator.alice.approve', 'CENTRAL_POST.hub.rules', ...eventsOf('agent-a')],
  ],
] as const)('the user %s cannot approve or ask in the name of others', async (user, subjects) => {
  await using post = await Post.start()
  const client = user === 'hub' ? post.hub : post.endpoints

  for (const subject of subjects) await client.publish(subject)

  await eventually(() => client.refused.length === subjects.length)
  expect(client.refused).toEqual(subjects.map((subject) => `publish ${subject}`))
  expect(post.calls).toEqual([])
})
