import { expect, test } from '@jest/globals'
import { actionStream, resultStream } from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../support/eventually.ts'
import { TestBroker } from '../support/nats-server.ts'
import { eventsOf, Post } from './post.ts'

test('an agent reaches the hub under its own name', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')

  const ack = await a.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', 'mine')
  const answer = await a.connection.request('CENTRAL_POST.agent.agent-a.state', 'mine')
  const results = a.listen('SYSTEM_ACTION_RESULT.agent-a.>')
  await a.connection.flush()
  await post.hub.connection.jetstream().publish('SYSTEM_ACTION_RESULT.agent-a.x', 'done')

  expect(ack).toMatchObject({ stream: actionStream, duplicate: false })
  expect(answer.string()).toBe('mine')
  await eventually(() => results.length === 1)
  expect(a.refused).toEqual([])
})

test.each([
  ['a request of another agent', ['SYSTEM_ACTION_REQUEST.agent-b']],
  ['anything the hub says to it', eventsOf('agent-a')],
  ['anything the hub says to another agent', eventsOf('agent-b')],
  ['an approval', ['CENTRAL_POST.operator.alice.approve', 'CENTRAL_POST.operator.agent-a.approve']],
  [
    'a yes to a proposed rule',
    ['CENTRAL_POST.operator.alice.accept', 'CENTRAL_POST.operator.agent-a.accept'],
  ],
  ['a question of another agent', ['CENTRAL_POST.agent.agent-b.cancel']],
  ['a message between hubs', ['CENTRAL_POST.hub.lease']],
  ['that a rule was made', ['CENTRAL_POST.hub.rules']],
  [
    'an answer to somebody',
    ['_INBOX.hub.x', '_INBOX.operator-alice.x', '_INBOX.agent-agent-b.x', '_R_.x'],
  ],
  [
    'a call of the JetStream API',
    [
      '$JS.API.INFO',
      `$JS.API.STREAM.PURGE.${actionStream}`,
      `$JS.API.STREAM.MSG.GET.${resultStream}`,
      `$JS.API.DIRECT.GET.${resultStream}.SYSTEM_ACTION_RESULT.agent-b.x`,
      `$JS.API.CONSUMER.MSG.NEXT.${actionStream}.hub-agent-a`,
      `$JS.API.CONSUMER.MSG.NEXT.${actionStream}.hub-agent-b`,
      `$JS.API.CONSUMER.DELETE.${actionStream}.hub-agent-b`,
      `$JS.API.CONSUMER.CREATE.${resultStream}`,
      `$JS.API.CONSUMER.CREATE.${actionStream}.mine.SYSTEM_ACTION_REQUEST.agent-a`,
    ],
  ],
  [
    'an acknowledgement, in the older and in the newer form',
    ['agent-a', 'agent-b'].flatMap((agent) => [
      `$JS.ACK.${actionStream}.hub-${agent}.1.1.1.1.1`,
      `$JS.ACK._.hash.${actionStream}.hub-${agent}.1.1.1.1.1.random`,
      `$JS.ACK.domain.hash.${actionStream}.hub-${agent}.1.1.1.1.1`,
    ]),
  ],
  ['a call of the service API or the broker', ['$SRV.PING', '$SYS.REQ.SERVER.PING']],
])('an agent that publishes %s is refused and reaches nobody', async (_what, subjects) => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')

  for (const subject of subjects) await a.publish(subject)

  await eventually(() => a.refused.length === subjects.length)
  expect(a.refused).toEqual(subjects.map((subject) => `publish ${subject}`))
  await post.settle()
  expect(post.calls).toEqual([])
  expect(everybodySaw(post)).toEqual([])
  expect(await post.stored(actionStream)).toEqual({})
  expect(await post.stored(resultStream)).toEqual({})
})

test.each([
  ['what the hub says to another agent', eventsOf('agent-b')],
  ['what the hub says to everybody', ['SYSTEM_ACTION_RESULT.>', 'SYSTEM_ACTION_RESULT.*.*']],
  ['requests', ['SYSTEM_ACTION_REQUEST.*', 'SYSTEM_ACTION_REQUEST.agent-b']],
  ['what operators are told of rules', ['CENTRAL_POST.hub.rules', 'CENTRAL_POST.hub.>']],
  ['what operators ask', ['CENTRAL_POST.operator.>', 'CENTRAL_POST.>']],
  ['everything', ['>', '*', '*.>']],
  ['the broker and its API', ['$JS.>', '$SYS.>', '$SRV.>', '_R_.>']],
])('an agent that subscribes to %s is refused', async (_what, subjects) => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')

  const heard = subjects.map((subject) => a.listen(subject))

  await eventually(() => a.refused.length === subjects.length)
  expect(a.refused).toEqual(subjects.map((subject) => `subscription ${subject}`))
  await post.hub.publish('SYSTEM_ACTION_RESULT.agent-b.x', 'secret')
  await post.settle()
  expect(heard.flat()).toEqual([])
})

test('an agent that listens to every inbox hears no answer but its own', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')
  const heard = a.listen('_INBOX.>')
  await a.connection.flush()
  const b = await post.as('agent', 'agent-b')
  const alice = await post.as('operator', 'alice')

  await b.connection.request('CENTRAL_POST.agent.agent-b.state', 'of b')
  await b.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-b', 'of b')
  await alice.connection.request('CENTRAL_POST.operator.alice.pending', 'of alice')
  await post.stored(actionStream)
  await post.settle()

  expect(heard).toEqual([])
})

test.each([
  ['no credentials', {}],
  ['an unknown user', { user: 'nobody', pass: 'x' }],
  ['a wrong password', { user: 'agent-agent-a', pass: 'wrong' }],
  ['the name of an account', { user: 'agent-a', pass: '' }],
])('a connection with %s is refused', async (_what, login) => {
  await using broker = await TestBroker.start({ agents: ['agent-a'] })

  await expect(
    connect({ servers: broker.url, reconnect: false, reconnectTimeWait: 50, ...login }),
  ).rejects.toMatchObject({
    code: 'AUTHORIZATION_VIOLATION',
  })
})

test.each(['HUB', 'SYS', 'hub', 'system', 'probe', 'hub-endpoints'])(
  'an agent called %s is an agent like any other',
  async (name) => {
    await using post = await Post.start()
    await post.broker.store.add('agent', name)
    await post.broker.embedded.reload()
    const agent = await post.as('agent', name)

    await agent.publish('CENTRAL_POST.operator.alice.approve')
    agent.listen('SYSTEM_ACTION_RESULT.agent-b.>')
    await eventually(() => agent.refused.length === 2)
    const ack = await agent.connection.jetstream().publish(`SYSTEM_ACTION_REQUEST.${name}`, 'mine')

    expect(ack.stream).toBe(actionStream)
    expect(post.calls).toEqual([])
  },
)

/** What arrived in any account, apart from what the test itself asked of the broker as the hub. */
function everybodySaw(post: Post): string[] {
  return Object.values(post.seen)
    .flat()
    .filter(({ text }) => text === 'forged')
    .map(({ subject }) => subject)
}
