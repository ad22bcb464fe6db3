import { Bus, resultStream, allResults, silentLogger } from '@centralpost/shared'
import { connect } from 'nats'
import { Outbox, type OutboxItem } from '../../../hub/src/bus/outbox.ts'
import { eventually } from '../../support/eventually.ts'
import { clientOptions, TestBroker } from '../../support/nats-server.ts'

test('more results at once than may be on their way all go out, without another one coming', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a'], operators: [] })
  const credentials = await broker.credentials('hub')
  const manager = await connect(clientOptions(credentials))
  await (
    await manager.jetstreamManager()
  ).streams.add({ name: resultStream, subjects: [allResults] })
  await manager.close()
  const bus = await Bus.connect({ credentials, name: 'hub', log: silentLogger })
  const recorded = new Map<number, OutboxItem>()
  const outbox = new Outbox(bus, {
    unpublished: (limit) => Promise.resolve([...recorded.values()].slice(0, limit)),
    markPublished: async (executionIds) => {
      await Promise.resolve()
      for (const executionId of executionIds) recorded.delete(executionId)
    },
    now: Date.now,
    log: silentLogger,
  })
  for (let executionId = 1; executionId <= 1000; executionId += 1) {
    const subject = `SYSTEM_ACTION_RESULT.agent-a.${executionId}`
    recorded.set(executionId, { execution_id: executionId, subject, stored: 1, result: '{}' })
  }
  for (const item of recorded.values()) outbox.push(item)

  await eventually(() => recorded.size === 0)

  await outbox.stop()
  expect(recorded.size).toBe(0)
  await bus.drain()
})
