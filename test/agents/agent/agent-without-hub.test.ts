import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Agent, Operator } from '@centralpost/agents'
import { TempDir } from '../../support/temp-dir.ts'
import { TestBroker } from '../../support/nats-server.ts'

let broker: TestBroker

beforeAll(async () => {
  broker = await TestBroker.start({ agents: ['lone'], operators: ['alice'] })
})

afterAll(async () => {
  await broker.stop()
})

const connected = (): Promise<Agent> =>
  Agent.connect({ name: 'lone', dataDir: broker.dataDir, env: {} })

describe('an agent on a broker where no hub has ever been', () => {
  test('is told that its request is not stored, and under which id to try again', async () => {
    await using agent = await connected()
    const asking = agent.requestAction({ command: 'ls', actionId: 'try-1' }, { timeoutMs: 400 })
    await expect(asking).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
      message: expect.stringContaining('"try-1"'),
      details: { action_id: 'try-1' },
    })
  })

  test('is told that no hub answers', async () => {
    await using agent = await connected()
    const asking = [agent.checkActionResult('some-id'), agent.getSystemState()]
    for (const answer of await Promise.allSettled(asking)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    }
  })

  test('is told in time that there is no result yet', async () => {
    await using agent = await connected()
    const waiting = agent.waitForActionResult('some-id', { timeoutMs: 200 })
    await expect(waiting).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('"some-id" has no result after 200 ms'),
    })
  })

  test('stops trying with the reason of the signal', async () => {
    await using agent = await connected()
    const stop = new AbortController()
    const asking = agent.requestAction('ls', { signal: stop.signal })
    const waiting = agent.waitForActionResult('some-id', { signal: stop.signal })
    stop.abort(new Error('no longer wanted'))
    await expect(asking).rejects.toThrow('no longer wanted')
    await expect(waiting).rejects.toThrow('no longer wanted')
  })

  test('ends its waits when it is closed, and refuses new ones', async () => {
    const agent = await connected()
    const waiting = agent.waitForActionResult('some-id')
    const asking = agent.requestAction('ls')
    const ended = Promise.allSettled([waiting, asking])
    await agent.close()
    for (const outcome of await ended) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'unavailable', message: expect.stringContaining('closed') },
      })
    }
    await expect(agent.requestAction('ls')).rejects.toThrow('closed')
    await agent.close()
  })

  test('may not use an id for a second command', async () => {
    await using agent = await connected()
    const brief = { timeoutMs: 100 }
    const first = agent.requestAction({ command: 'ls', actionId: 'same' }, brief)
    await expect(first).rejects.toMatchObject({ code: 'unavailable' })
    const again = agent.requestAction({ command: 'ls', actionId: 'same' }, brief)
    await expect(again).rejects.toMatchObject({ code: 'unavailable' })
    const other = agent.requestAction({ command: 'ls -l', actionId: 'same' }, brief)
    await expect(other).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('"same"'),
    })
  })

  test.each([
    ['neither command nor argv', {}, 'command'],
    ['both', { command: 'ls', argv: ['ls'] }, 'command'],
    ['a relative directory', { command: 'ls', cwd: 'src' }, 'cwd'],
    ['a time limit of 0', { command: 'ls', timeoutSeconds: 0 }, 'timeout'],
    ['a bad variable', { command: 'ls', env: { 'A B': 'x' } }, 'env'],
    ['a bad id', { command: 'ls', actionId: 'a.b' }, 'action_id'],
    ['a date that is none', { command: 'ls', expiresAt: new Date('x') }, 'expiresAt'],
  ])('is refused %s before anything is sent', async (_, asked, field) => {
    await using agent = await connected()
    await expect(agent.requestAction(asked)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(field),
    })
  })
})

describe('connecting', () => {
  test('without credentials says how to add them', async () => {
    const options = { name: 'nobody', dataDir: broker.dataDir, env: {} }
    await expect(Agent.connect(options)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining(
        `centralpost credentials add agent nobody --data ${broker.dataDir}`,
      ),
    })
    await expect(Operator.connect(options)).rejects.toThrow('credentials add operator nobody')
  })

  test('under a name that is no name is refused', async () => {
    await expect(Agent.connect({ name: '../x', env: {} })).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('with a wrong password is refused by the broker', async () => {
    const credentials = await broker.credentials('agent', 'lone')
    const connecting = Agent.connect({
      name: 'lone',
      credentials: { ...credentials, pass: 'wrong' },
    })
    await expect(connecting).rejects.toMatchObject({ code: 'forbidden' })
  })

  test('to a broker that is not there says where it was looked for', async () => {
    const env = { NATS_URL: 'nats://127.0.0.1:1' }
    await expect(Agent.connect({ name: 'lone', env })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('nats://127.0.0.1:1'),
    })
  })

  test('finds the data directory by CENTRALPOST_DATA', async () => {
    await using elsewhere = await TempDir.make()
    const env = { CENTRALPOST_DATA: elsewhere.path }
    await expect(Agent.connect({ name: 'lone', env })).rejects.toThrow(elsewhere.path)
    await using agent = await Agent.connect({
      name: 'lone',
      env: { CENTRALPOST_DATA: broker.dataDir },
    })
    expect(agent.name).toBe('lone')
  })
})
