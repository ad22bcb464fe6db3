import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent, Operator } from '@centralpost/agents'
import type { ActionOutput } from '@centralpost/shared'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

let it: TestHub
let agent: Agent
let alice: Operator

beforeAll(async () => {
  it = await TestHub.start()
  agent = await it.agent('agent-a')
  alice = await it.operator('alice')
})

afterAll(async () => {
  await it[Symbol.asyncDispose]()
})

const isPending = (actionId: string) =>
  eventually(async () => (await alice.pending()).find((asked) => asked.action_id === actionId))

describe('an agent', () => {
  test('gets the result of a SAFE command', async () => {
    const action = await agent.requestAction('echo hello')
    expect(await action.result()).toMatchObject({
      action_id: action.actionId,
      agent_id: 'agent-a',
      status: 'completed',
      trust_level: 'SAFE',
      stdout: 'hello\n',
      success: true,
    })
  })

  test('says all there is to say about an action', async () => {
    await mkdir(join(it.workspace, 'sub'), { recursive: true })
    const action = await agent.requestAction({
      argv: ['pwd'],
      cwd: join(it.workspace, 'sub'),
      workflowId: 7,
      agentType: 'research',
      context: 'where am I',
      timeoutSeconds: 5,
      position: 0.25,
      expiresAt: new Date(Date.now() + 60_000),
      env: { LANG: 'C' },
    })
    const result = await action.result()
    expect(result).toMatchObject({ status: 'completed', workflow_id: '7', command: 'pwd' })
    expect(result.stdout.trim()).toBe(join(it.workspace, 'sub'))
    const { entries } = await alice.history({ action_id: action.actionId })
    expect(entries).toMatchObject([{ agent_type: 'research', context: 'where am I' }])
  })

  test('reads output while the command runs, and its end when it has ended', async () => {
    const action = await agent.requestAction({
      command: 'for i in 1 2 3; do echo $i; sleep 0.1; done',
      streamOutput: true,
    })
    const chunks: ActionOutput[] = []
    for await (const chunk of action.output) chunks.push(chunk)
    const result = await action.result()
    expect(result.status).toBe('completed')
    expect(chunks.map((chunk) => chunk.data).join('')).toBe('1\n2\n3\n')
    expect(chunks.map((chunk) => chunk.seq)).toEqual(chunks.map((_, at) => at))
  })

  test('waits for a person, and learns that and why it was denied', async () => {
    const action = await agent.requestAction({ argv: ['touch', 'x'], context: 'a mark' })
    await isPending(action.actionId)
    expect(await agent.checkActionResult(action.actionId)).toBeNull()
    expect(await agent.getAction(action.actionId)).toMatchObject({ state: 'pending', result: null })
    await alice.deny(action.actionId, 'not needed', { suggestion: 'ls' })
    expect(await action.result()).toMatchObject({
      status: 'denied',
      reason: expect.stringContaining('not needed'),
      suggestion: 'ls',
    })
  })

  test('is refused what is BLOCKED at once', async () => {
    const action = await agent.requestAction('cat ~/.ssh/id_rsa')
    expect(await action.result()).toMatchObject({ status: 'denied', trust_level: 'BLOCKED' })
  })

  test('takes a rejection for the result it is', async () => {
    const action = await agent.requestAction({ command: 'ls', cwd: '/nowhere/at/all' })
    expect(await action.result()).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('cwd'),
    })
  })

  test('cancels what runs', async () => {
    const action = await agent.requestAction('sleep 30')
    await eventually(async () => (await agent.getAction(action.actionId)).state === 'running')
    await action.cancel('changed my mind')
    expect(await action.result()).toMatchObject({
      status: 'cancelled',
      reason: expect.stringContaining('changed my mind'),
    })
    await expect(action.cancel()).rejects.toMatchObject({ code: 'conflict' })
  })

  test('asks under one id twice and gets one action', async () => {
    const asked = { command: 'echo once', actionId: 'twice-1' }
    const [first, second] = await Promise.all([
      agent.requestAction(asked),
      agent.requestAction(asked),
    ])
    const [a, b] = await Promise.all([first.result(), second.result()])
    expect(a).toEqual(b)
    const later = await agent.requestAction(asked)
    expect(await later.result()).toEqual(a)
    expect((await alice.history({ action_id: 'twice-1' })).entries).toHaveLength(1)
  })

  test('gets a result that was published before it asked', async () => {
    const done = await agent.requestAction('echo before')
    const result = await done.result()
    const again = await it.agent('agent-a')
    expect(await again.waitForActionResult(done.actionId, { timeoutMs: 5_000 })).toEqual(result)
    expect(await again.checkActionResult(done.actionId)).toEqual(result)
  })

  test('gets in another process of its own the result it waits for there', async () => {
    const action = await agent.requestAction({ argv: ['touch', 'y'] })
    const other = await it.agent('agent-a')
    const short = other.waitForActionResult(action.actionId, { timeoutMs: 50 })
    const long = other.waitForActionResult(action.actionId)
    await expect(short).rejects.toMatchObject({ code: 'unavailable' })
    await isPending(action.actionId)
    await alice.deny(action.actionId, 'no')
    expect(await long).toEqual(await action.result())
  })

  test('does not see what another agent does', async () => {
    const other = await it.agent('agent-b')
    const action = await agent.requestAction('echo mine')
    await action.result()
    await expect(other.getAction(action.actionId)).rejects.toMatchObject({ code: 'not_found' })
    expect(await other.checkActionResult(action.actionId)).toBeNull()
  })

  test('asks what the machine looks like and what would be decided', async () => {
    expect(await agent.getSystemState(it.workspace)).toMatchObject({
      hub_id: 'test-hub',
      cwd: it.workspace,
      venv_path: null,
    })
    expect((await agent.classify('git status')).level).toBe('SAFE')
    expect((await agent.classify(['rm', '-r', 'x'])).level).toBe('REVIEW')
  })
})

describe('an agent whose hub or broker goes away', () => {
  test('gets the result when the hub is there again', async () => {
    await it.stopHub()
    const action = await agent.requestAction('echo waited')
    await expect(action.result({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'unavailable' })
    await it.startHub()
    expect(await action.result({ timeoutMs: 10_000 })).toMatchObject({ stdout: 'waited\n' })
  })

  test('asks through the death of the broker, and gets one result', async () => {
    await it.broker.kill9()
    const action = await agent.requestAction('echo survived', { timeoutMs: 15_000 })
    expect(await action.result({ timeoutMs: 15_000 })).toMatchObject({ stdout: 'survived\n' })
    await eventually(async () => (await alice.history({ action_id: action.actionId })).entries[0])
    expect((await alice.history({ action_id: action.actionId })).entries).toHaveLength(1)
  }, 40_000)
})

describe('an operator', () => {
  test('approves exactly what was shown, or nothing', async () => {
    const action = await agent.requestAction({ argv: ['touch', 'shown'] })
    const asked = await isPending(action.actionId)
    await expect(alice.approve(action.actionId, { digest: 'another' })).rejects.toMatchObject({
      code: 'conflict',
    })
    const decided = await alice.approve(action.actionId, { digest: asked.digest, comment: 'fine' })
    expect(decided).toMatchObject({ agent_id: 'agent-a', decided_by: 'alice' })
    expect(await action.result()).toMatchObject({ status: 'completed', approved_by: 'alice' })
    await expect(alice.deny(action.actionId, 'too late')).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('sees the whole life of an action in order', async () => {
    const kinds: string[] = []
    const tail = alice.tail((event) => kinds.push(event.kind), { agentId: 'agent-b' })
    await alice.flush()
    const other = await it.agent('agent-b')
    await (await agent.requestAction('echo not for this tail')).result()
    const action = await other.requestAction('echo seen')
    await action.result()
    await eventually(() => kinds.includes('result'))
    expect(kinds).toEqual(['request', 'start', 'output', 'result'])
    await tail.drain()
  })

  test('reads all of an output in pages', async () => {
    const action = await agent.requestAction('seq 1 200000')
    const result = await action.result()
    expect(result.truncated).toBe(true)
    let all = ''
    for (let offset = 0, eof = false; !eof;) {
      const page = await alice.output(action.actionId, { offset, limit: 262_144 })
      all += page.data
      eof = page.eof
      offset = page.next_offset
    }
    expect(all.split('\n')).toHaveLength(200_001)
    expect(all).toHaveLength(result.stdout_bytes)
  })

  test('asks what was recorded, who serves and whether the record is intact', async () => {
    const action = await agent.requestAction('echo remember-this-word')
    await action.result()
    const found = await alice.history({ query: 'remember-this-word' })
    expect(found.entries[0]).toMatchObject({ action_id: action.actionId, status: 'completed' })
    expect((await alice.stats('echo remember-this-word')).total_executions).toBe(1)
    expect((await alice.stats()).total_executions).toBeGreaterThan(1)
    expect(await alice.hubs()).toMatchObject([{ hub_id: 'test-hub', accepting: true }])
    expect(await alice.verify()).toMatchObject({ intact: true, first_bad: null })
    await expect(alice.result('no-such-action')).rejects.toMatchObject({ code: 'not_found' })
  })
})
