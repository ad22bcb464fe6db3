import { Bus, resultStream, allResults, silentLogger } from '@centralpost/shared'
import { connect } from 'nats'
import { Outbox, type OutboxItem } from '#hub/bus/result-outbox.ts'
import { eventually } from '../../support/eventually.ts'
import { clientOptions, TestBroker } from '../../support/nats-server.ts'

let broker: TestBroker
let bus: Bus

beforeAll(async () => {
  broker = await TestBroker.start({ agents: ['agent-a'], operators: ['alice'] })
  const credentials = await broker.credentials('hub')
  const manager = await connect(clientOptions(credentials))
  await (
    await manager.jetstreamManager()
  ).streams.add({ name: resultStream, subjects: [allResults] })
  await manager.close()
  bus = await Bus.connect({ credentials, name: 'hub', log: silentLogger })
})

afterAll(async () => {
  await bus.drain()
  await broker.stop()
})

function item(executionId: number): OutboxItem {
  const subject = `SYSTEM_ACTION_RESULT.agent-a.${executionId}`
  return { execution_id: executionId, subject, stored: 1, result: '{}' }
}

test('more results at once than may be on their way all go out, without another one coming', async () => {
  const recorded = new Map<number, OutboxItem>()
  const outbox = new Outbox(bus, {
    unpublished: (limit) => Promise.resolve([...recorded.values()].slice(0, limit)),
    markPublished: async (executionIds) => {
      await Promise.resolve()
      for (const executionId of executionIds) recorded.delete(executionId)
    },
    newest: () => Promise.resolve(0),
    now: Date.now,
    log: silentLogger,
  })
  for (let executionId = 1; executionId <= 1000; executionId += 1) {
    recorded.set(executionId, item(executionId))
  }
  for (const one of recorded.values()) outbox.push(one)

  await eventually(() => recorded.size === 0)

  await outbox.stop()
  expect(recorded.size).toBe(0)
})

test('a result that arrives while the ledger is being read does not go out twice', async () => {
  const heard: string[] = []
  await using listener = await Bus.connect({
    credentials: await broker.credentials('operator', 'alice'),
    name: 'listener',
    log: silentLogger,
  })
  listener.subscribe(allResults, ({ subject }) => heard.push(subject))
  await listener.flush()
  const recorded = new Map([2001, 2002].map((id) => [id, item(id)]))
  const isNoted = Promise.withResolvers<void>()
  let reads = 0
  const outbox = new Outbox(bus, {
    unpublished: async () => {
      const found = [...recorded.values()]
      reads += 1
      // as read before, and told when all of it has been confirmed and noted
      if (reads === 1) await isNoted.promise
      return found
    },
    markPublished: async (executionIds) => {
      await Promise.resolve()
      for (const executionId of executionIds) recorded.delete(executionId)
    },
    newest: () => Promise.resolve(0),
    now: Date.now,
    log: silentLogger,
  })
  outbox.push(item(2001))
  outbox.kick()
  outbox.push(item(2002))
  await outbox.settled(2001)
  await outbox.settled(2002)
  await eventually(() => recorded.size === 0)
  isNoted.resolve()
  await outbox.stop()
  await bus.flush()
  await eventually(() => heard.length >= 2)
  expect(heard.toSorted()).toEqual([2001, 2002].map((id) => item(id).subject))
})

test('the next hub tells only what the broker does not have, and what was asked for again', async () => {
  const heard: string[] = []
  await using listener = await Bus.connect({
    credentials: await broker.credentials('operator', 'alice'),
    name: 'listener',
    log: silentLogger,
  })
  const ids = { there: 3001, missing: 3002, other: 3003, askedFor: 3004 }
  const send = (id: number, result: object) => bus.store(item(id).subject, result)
  await Promise.all([
    send(ids.there, {}),
    send(ids.other, { of: 'an earlier ledger' }),
    send(ids.askedFor, {}),
  ])
  listener.subscribe(allResults, ({ subject }) => heard.push(subject))
  await listener.flush()
  const left = new Map(Object.values(ids).map((id) => [id, item(id)]))
  left.set(ids.askedFor, { ...item(ids.askedFor), stored: 2 })
  const outbox = new Outbox(bus, {
    unpublished: () => Promise.resolve([...left.values()]),
    markPublished: async (executionIds) => {
      await Promise.resolve()
      for (const executionId of executionIds) left.delete(executionId)
    },
    newest: () => Promise.resolve(3004),
    now: Date.now,
    log: silentLogger,
  })
  outbox.kick()
  await eventually(() => left.size === 0)
  await outbox.stop()
  await listener.flush()
  const told = [ids.missing, ids.other, ids.askedFor].map((id) => item(id).subject)
  expect(heard.toSorted()).toEqual(told)
})
