import { expect, test } from '@jest/globals'
import { connect } from 'nats'
import { clientOptions, TestBroker } from '../../support/nats-server.ts'

test('a broker that was killed is back on the same port with what its streams held', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a'] })
  const hub = await connect(clientOptions(await broker.credentials('hub')))
  const manager = await hub.jetstreamManager()
  await manager.streams.add({ name: 'SYSTEM_ACTIONS', subjects: ['SYSTEM_ACTION_REQUEST.*'] })
  const agent = await connect(clientOptions(await broker.credentials('agent', 'agent-a')))
  await agent.jetstream().publish('SYSTEM_ACTION_REQUEST.agent-a', 'kept')
  await agent.close()
  const { url } = broker

  await broker.kill9()
  await broker.isBack()

  expect(broker.url).toBe(url)
  const again = await connect(clientOptions(await broker.credentials('hub')))
  const info = await (await again.jetstreamManager()).streams.info('SYSTEM_ACTIONS')
  expect(info.state.messages).toBe(1)
  await again.close()
  await hub.close()
})
