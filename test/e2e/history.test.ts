import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
import { backends } from '../support/history-fixture.ts'
import { TestHub } from '../support/hub.ts'
import { TestPostgres } from '../support/postgres.ts'

describe.each(backends)('a hub whose history is on $title', ({ backend }) => {
  let server: TestPostgres | undefined
  beforeAll(async () => {
    if (backend === 'postgres') server = await TestPostgres.start()
  }, 60_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const start = async (): Promise<TestHub> =>
    TestHub.start({
      config: server
        ? { history: { backend: 'postgres', url: await server.database() } }
        : { history: { backend: 'sqlite' } },
    })

  test('runs, holds, refuses, and tells all of it', async () => {
    await using it = await start()
    const agent = await it.agent()
    const operator = await it.operator()
    const request = async (command: string, fields = {}) =>
      agent.requestAction({ command, workflowId: 'flow', ...fields })
    const done = await (await request('echo findable-word')).result()
    expect(done).toMatchObject({ status: 'completed', stdout: 'findable-word\n' })
    expect(await (await request('rm -rf /')).result()).toMatchObject({ status: 'denied' })
    const held = await request('mkdir made-by-approval', { actionId: 'held' })
    await eventually(async () => (await operator.pending()).length === 1)
    await it.stopHub()
    await it.startHub()
    await operator.approve('held')
    expect(await held.result()).toMatchObject({ status: 'completed', approved_by: 'alice' })

    const { entries } = await operator.history({ query: 'findable', order: 'best' })
    expect(entries).toMatchObject([{ action_id: done.action_id, status: 'completed' }])
    const { execution, events } = await operator.action('held')
    expect(execution).toMatchObject({ approved_by: 'alice', workflow_id: 'flow' })
    expect(events.map((event) => event.kind)).toEqual([
      'requested',
      'classified',
      'pending',
      'voted',
      'approved',
      'started',
      'finished',
    ])
    expect(events[1]?.data).toMatchObject({ level: 'REVIEW', policy: expect.any(String) })
    expect(await operator.stats('echo findable-word')).toMatchObject({
      total_executions: 1,
      similar: { recent: [{ action_id: done.action_id }] },
    })
    expect(await operator.overview()).toMatchObject({
      total: 3,
      by_status: { completed: 2, denied: 1 },
      approvals: { approved: 1 },
      waiting: { count: 1 },
    })
    const { checkpoint, ...verified } = await operator.verify()
    expect(verified).toMatchObject({ intact: true, problem: null })
    if (checkpoint === null) throw new Error('no checkpoint')
    expect(await operator.verify([checkpoint])).toMatchObject({ intact: true })
    let text = ''
    for await (const part of operator.export({ limit: 1 })) text += part
    expect(text.trim().split('\n')).toHaveLength(3)
  }, 60_000)

  test('keeps a secret out of the history and runs the command with it, also after a restart', async () => {
    await using it = await start()
    const agent = await it.agent()
    const operator = await it.operator()
    const secret = 'correct-horse-battery'
    const held = await agent.requestAction({
      command: `touch x && echo --password=${secret}`,
      actionId: 'held',
      env: { APP_TOKEN: secret },
    })
    await eventually(async () => (await operator.pending()).length === 1)
    await it.stopHub()
    await it.startHub()
    const [shown] = await operator.pending()
    expect(shown?.command).toContain(secret)
    await operator.approve('held', shown ? { digest: shown.digest } : {})
    const result = await held.result()
    expect(result).toMatchObject({ status: 'completed', stdout: `--password=${secret}\n` })
    const { execution, events } = await operator.action('held')
    expect(JSON.stringify([execution, events])).not.toContain(secret)
    expect(execution.masked).toBe(true)
    expect((await operator.result('held')).result?.stdout).toContain(secret)
  }, 60_000)

  test('learns what fixed a failure, and offers it to the next agent', async () => {
    await using it = await start()
    const [one, other] = [await it.agent('agent-a'), await it.agent('agent-b')]
    const run = async (agent: typeof one, command: string, workflowId: string) =>
      (await agent.requestAction({ command, workflowId })).result()
    const operator = await it.operator()
    const approving = operator.tail((event) => {
      if (event.kind === 'approval_needed') void operator.approve(event.message.action_id)
    })
    await operator.flush()
    for (const n of [1, 2]) {
      const flow = `flow-${n}`
      expect((await run(one, `cat made-${n}.txt`, flow)).status).toBe('failed')
      expect((await run(one, `touch made-${n}.txt`, flow)).status).toBe('completed')
      expect((await run(one, `cat made-${n}.txt`, flow)).status).toBe('completed')
    }
    const failed = await run(other, 'cat made-9.txt', 'another')
    const [best] = await other.patterns({ after: failed.action_id })
    expect(best).toMatchObject({ kind: 'fix', commands: ['touch {file}', 'cat {file}'] })
    // of somebody else's action nothing is told
    expect(await one.patterns({ after: failed.action_id })).toEqual([])
    await approving.drain()
    const { commands } = await operator.patterns({ list: 'failures', least: 2 })
    expect(commands).toMatchObject([{ command: 'cat {file}', fixed_by: [{ times: 2 }] }])
  }, 60_000)

  test('puts old events away in a file that the chain knows', async () => {
    await using it = await start()
    const agent = await it.agent()
    const operator = await it.operator()
    await (await agent.requestAction('echo old')).result()
    const [segment] = await operator.segments({
      sealBefore: new Date(Date.now() + 1).toISOString(),
    })
    expect(segment).toMatchObject({ first_seq: 1, sealed_by: 'alice' })
    const file = await readFile(join(it.dataDir, segment?.file ?? ''), 'utf8')
    expect(file.split('\n')).toHaveLength((segment?.events ?? 0) + 1)
    await (await agent.requestAction('echo new')).result()
    expect(await operator.verify()).toMatchObject({
      intact: true,
      first_kept: (segment?.last_seq ?? 0) + 1,
    })
    expect((await operator.history({ query: 'old' })).entries).toHaveLength(1)
  }, 60_000)

  test('is the only hub of its history', async () => {
    if (server === undefined) return
    const url = await server.database()
    await using it = await TestHub.start({ config: { history: { backend: 'postgres', url } } })
    expect(it.hub.hubId).toBe('test-hub')
    await expect(
      TestHub.start({ config: { history: { backend: 'postgres', url } } }),
    ).rejects.toMatchObject({ code: 'conflict' })
  }, 60_000)
})
