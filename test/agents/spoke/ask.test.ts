import { expect, test } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import { Operator } from '@centralpost/agents'
import { eventually } from '../../support/eventually.ts'
import { TestBroker } from '../../support/nats-server.ts'

test('a call that waits for a broker that is away ends at once when its caller goes', async () => {
  await using broker = await TestBroker.start({ operators: ['alice'] })
  const credentials = await broker.credentials('operator', 'alice')
  const alice = await Operator.connect({ name: 'alice', credentials })
  // no hub is there, so that it is still being asked when the broker goes
  const asked = Promise.allSettled([alice.pending()])
  await broker.embedded.stop()
  await eventually(() => !alice.isConnected)
  await delay(300)
  const startedAt = performance.now()
  await alice.close()
  expect(await asked).toMatchObject([{ reason: { code: 'unavailable' } }])
  expect(performance.now() - startedAt).toBeLessThan(3000)
})
