import {
  actionStream,
  Bus,
  hubConsumer,
  requestSubject,
  silentLogger,
  WorkQueue,
} from '@centralpost/shared'
import { sweepRequests } from '../../hub/src/bus/request-queue.ts'
import { eventually } from '../support/eventually.ts'
import { TestBroker } from '../support/nats-server.ts'

test('a request without an id has one and the same name when it is delivered and when it is swept', async () => {
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
  const delivered: string[] = []
  const queue = await WorkQueue.open(
    hub,
    {
      stream: actionStream,
      durable: hubConsumer,
      ackWaitMs: 30_000,
      maxAckPending: 16,
      log: silentLogger,
    },
    async () => {},
    (delivery) => {
      delivered.push(delivery.messageId)
      delivery.ack()
    },
  )
  for (let n = 0; n < 5; n += 1) await agent.store(requestSubject('agent-a'), { command: 'pwd' })
  await eventually(async () => {
    const { ack_floor: floor } = await manager.consumers.info(actionStream, hubConsumer)
    return floor.stream_seq === 5
  })
  await queue.stop()
  const swept: string[] = []
  const take = async ({ messageId }: { messageId: string }): Promise<void> => {
    swept.push(messageId)
  }
  await sweepRequests(hub, silentLogger, take, Date.now)
  expect(swept).toEqual(delivered)
  expect(new Set(swept).size).toBe(5)
})
