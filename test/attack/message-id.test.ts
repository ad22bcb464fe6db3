import { expect, test } from '@jest/globals'
import { actionStream, encode } from '@centralpost/shared'
import { headers } from 'nats'
import { eventually } from '../support/eventually.ts'
import { duplicateWindowMs, Post } from './post.ts'

test('the id that another agent has squatted on does not touch a request that is sent without one', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')
  const b = await post.as('agent', 'agent-b')
  const request = encode({ schema: 1, action_id: 'the-id-of-b', command: 'ls' })

  await a.connection
    .jetstream()
    .publish('SYSTEM_ACTION_REQUEST.agent-a', request, { msgID: 'the-id-of-b' })
  const ack = await b.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-b', request)

  expect(ack.duplicate).toBe(false)
  expect(await post.stored(actionStream)).toMatchObject({ 'SYSTEM_ACTION_REQUEST.agent-b': 1 })
})

test('a squatted id stands in the way of another agent for the shortest window only, and never silently', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')
  const b = await post.as('agent', 'agent-b')
  const manager = await post.hub.connection.jetstreamManager()
  const { config } = await manager.streams.info(actionStream)
  expect(config.duplicate_window).toBe(duplicateWindowMs * 1_000_000)

  await a.connection
    .jetstream()
    .publish('SYSTEM_ACTION_REQUEST.agent-a', 'squat', { msgID: 'the-id-of-b' })
  const published = () =>
    b.connection
      .jetstream()
      .publish('SYSTEM_ACTION_REQUEST.agent-b', 'mine', { msgID: 'the-id-of-b' })

  await eventually(async () => !(await published()).duplicate, 2000)
  expect(await post.stored(actionStream)).toMatchObject({ 'SYSTEM_ACTION_REQUEST.agent-b': 1 })
})

test('an agent cannot roll up the requests of others', async () => {
  await using post = await Post.start()
  const a = await post.as('agent', 'agent-a')
  const b = await post.as('agent', 'agent-b')
  await b.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-b', 'mine')

  for (const scope of ['all', 'sub']) {
    const rollup = headers()
    rollup.set('Nats-Rollup', scope)
    await expect(
      a.connection.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', 'x', { headers: rollup }),
    ).rejects.toThrow('rollup not permitted')
  }

  expect(await post.stored(actionStream)).toEqual({ 'SYSTEM_ACTION_REQUEST.agent-b': 1 })
})
