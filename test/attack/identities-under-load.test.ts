import { expect, test } from '@jest/globals'
import { actionStream, allRequests } from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../support/eventually.ts'
import { clientOptions, TestBroker } from '../support/nats-server.ts'
import { Program } from '../support/program.ts'
import { Client } from './post.ts'

const publishers = 16
const added = ['c', 'd', 'e', 'f', 'g']

test('five agents added under load can ask at once; nobody is disconnected, no confirmed request is lost', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a', 'agent-b'] })
  const hub = await Client.as(clientOptions(await broker.credentials('hub')))
  const manager = await hub.connection.jetstreamManager()
  await manager.streams.add({ name: actionStream, subjects: [allRequests] })
  const clients: Client[] = []
  for (let i = 0; i < publishers; i += 1) {
    clients.push(await Client.as(clientOptions(await broker.credentials('agent', agentOf(i)))))
  }

  const stop = new AbortController()
  const publishing = clients.map((client, i) => publishUntil(stop.signal, client, i))
  for (const name of added) {
    await using command = credentials('add', 'agent', name, '--json', '--data', broker.dataDir)
    const { code, stdout, stderr } = await command.ended
    expect([code, stderr]).toEqual([0, ''])
    const agent = await connect(JSON.parse(stdout) as object)
    await agent.jetstream().publish(`SYSTEM_ACTION_REQUEST.${name}`, name)
    await agent.close()
  }
  stop.abort()
  const confirmed = [...added, ...(await Promise.all(publishing)).flat()]

  const stored = new Set<string>()
  const consumer = await hub.connection.jetstream().consumers.get(actionStream)
  const { num_pending: pending } = await consumer.info()
  const messages = await consumer.fetch({ max_messages: pending, expires: 10_000 })
  for await (const message of messages) stored.add(message.string())
  expect(confirmed.filter((id) => !stored.has(id))).toEqual([])
  expect(confirmed.length).toBeGreaterThan(publishers * added.length)
  expect(new Set([hub, ...clients].map(({ disconnects }) => disconnects))).toEqual(new Set([0]))
  await Promise.all([hub, ...clients].map(({ connection }) => connection.close()))
}, 60_000)

test('an agent that is revoked while connected is cut off at once, and the others are not', async () => {
  await using broker = await TestBroker.start({ agents: ['agent-a', 'agent-b'] })
  const identity = clientOptions(await broker.credentials('agent', 'agent-a'))
  const a = await Client.as({ ...identity, reconnect: false })
  const b = await Client.as(clientOptions(await broker.credentials('agent', 'agent-b')))

  await using command = credentials('revoke', 'agent', 'agent-a', '--data', broker.dataDir)
  expect((await command.ended).stdout).toContain('the broker refuses it now')

  await eventually(() => a.connection.isClosed())
  await expect(connect({ ...identity, reconnect: false })).rejects.toMatchObject({
    code: 'AUTHORIZATION_VIOLATION',
  })
  await b.connection.flush()
  expect(b.disconnects).toBe(0)
  await b.connection.close()
})

const agentOf = (publisher: number): string => (publisher % 2 === 0 ? 'agent-a' : 'agent-b')

function credentials(...args: string[]): Program {
  return new Program('centralpost-credentials.ts', ['credentials', ...args])
}

/**
 * Publishes one request after the other and gives back the confirmed ones. As every agent must, it asks again under the
 * same id when no confirmation comes: a reload of nats-server before 2.9.21 can swallow one.
 */
async function publishUntil(signal: AbortSignal, client: Client, i: number): Promise<string[]> {
  const confirmed: string[] = []
  for (let n = 0; !signal.aborted; n += 1) {
    const id = `${i}-${n}`
    await eventually(async () => {
      await client.connection
        .jetstream()
        .publish(`SYSTEM_ACTION_REQUEST.${agentOf(i)}`, id, { timeout: 1000 })
      return true
    })
    confirmed.push(id)
  }
  return confirmed
}
