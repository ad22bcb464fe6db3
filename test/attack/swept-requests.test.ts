import {
  actionStream,
  allRequests,
  Bus,
  requestSubject,
  silentLogger,
  WorkQueue,
} from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestBroker } from '../support/nats-server.ts'

test('a request without an id has one and the same name each time that a broker brings it', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a'] })
  const credentials = await broker.credentials('hub')
  await using hub = await Bus.connect({ credentials, name: 'hub', log: silentLogger })
  await using agent = await Bus.connect({
    credentials: await broker.credentials('agent', 'agent-a'),
    name: 'agent-a',
    log: silentLogger,
  })
  // a stream that keeps what was acknowledged: what a broker shows that was killed
  const manager = await hub.connection.jetstreamManager()
  await manager.streams.add({ name: actionStream, subjects: [requestSubject('*')] })
  for (let n = 0; n < 5; n += 1) await agent.store(requestSubject('agent-a'), { command: 'pwd' })

  const brought: string[][] = [[], []]
  for (const names of brought) {
    const queue = await WorkQueue.open(
      hub,
      { stream: actionStream, subjects: allRequests, name: 'hub', log: silentLogger },
      async () => {},
      async ({ messageId }) => void names.push(messageId),
    )
    await eventually(() => names.length === 5)
    await queue.stop()
  }
  expect(brought[1]).toEqual(brought[0])
  expect(new Set(brought[0]).size).toBe(5)
})
