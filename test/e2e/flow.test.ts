import {
  type ActionResult,
  agentEndpointNames,
  CentralPostError,
  operatorEndpointNames,
} from '@centralpost/shared'
import { connect } from 'nats'
import { eventually } from '../support/eventually.ts'
import { clientOptions } from '../support/nats-server.ts'
import { TestHub } from '../support/hub.ts'

describe('an action on its way through a real broker and a real hub', () => {
  test('SAFE runs at once, and its result reaches the agent under the id it gave', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const asked = await agent.requestAction({ command: 'pwd', actionId: 'first', workflowId: 'wf' })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      schema: 1,
      action_id: 'first',
      agent_id: 'agent-a',
      workflow_id: 'wf',
      command: 'pwd',
      status: 'completed',
      trust_level: 'SAFE',
      approved_by: 'auto',
      exit_code: 0,
      signal: null,
      success: true,
      stdout: `${it.workspace}\n`,
      stderr: '',
      truncated: false,
      error_category: null,
      cwd: it.workspace,
      hub_id: 'test-hub',
    } satisfies Partial<ActionResult>)
    expect(it.log.of('error')).toEqual([])
  })

  test('a SAFE command that fails is told with its exit code and category', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const asked = await agent.requestAction({ argv: ['cat', 'no-such-file'] })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'failed',
      success: false,
      exit_code: 1,
      error_category: 'not_found',
      stderr: expect.stringContaining('no-such-file'),
    })
  })

  test('REVIEW waits; approved, it runs exactly what was shown, in the name of who approved', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction({ command: 'mkdir made', context: 'a place to work' })
    const [shown] = await eventually(async () => {
      const pending = await operator.pending()
      return pending.length === 1 && pending
    })
    expect(shown).toMatchObject({
      action_id: asked.actionId,
      agent_id: 'agent-a',
      command: 'mkdir made',
      context: 'a place to work',
      cwd: it.workspace,
      trust_level: 'REVIEW',
    })
    const decision = await operator.approve(asked.actionId, { digest: shown?.digest ?? '' })
    expect(decision).toMatchObject({ state: 'queued', decided_by: 'alice' })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      trust_level: 'REVIEW',
      approved_by: 'alice',
    })
    expect(await operator.pending()).toEqual([])
  })

  test('an approval of another digest than the one that waits clears nothing', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('mkdir made')
    await eventually(async () => (await operator.pending()).length === 1)
    await expect(
      operator.approve(asked.actionId, { digest: 'of-something-else' }),
    ).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('digest'),
    })
    expect(await operator.pending()).toHaveLength(1)
  })

  test('denied, its reason and suggestion reach the agent', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch made')
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.deny(asked.actionId, 'not here', { suggestion: 'use the scratch directory' })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'denied',
      approved_by: null,
      exit_code: null,
      reason: 'not here',
      suggestion: 'use the scratch directory',
    })
  })

  test('nobody answers: it expires on time', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending: 1 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const started = Date.now()
    const asked = await agent.requestAction('touch made')
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'expired' })
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000)
    expect(Date.now() - started).toBeLessThan(3000)
    await expect(operator.approve(asked.actionId)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('is expired already at'),
    })
  })

  test('BLOCKED is refused at once, with the reason', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const asked = await agent.requestAction('cat ~/.ssh/id_rsa')
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'denied',
      trust_level: 'BLOCKED',
      exit_code: null,
      reason: expect.stringMatching(/.+/),
    })
  })

  test('two operators decide at once: one wins, the other is told who and when', async () => {
    await using it = await TestHub.start({ config: { approvals: { denials_to_cool_down: 100 } } })
    const agent = await it.agent()
    const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
    for (let round = 0; round < 10; round += 1) {
      const asked = await agent.requestAction(`touch made-${round}`)
      await eventually(async () => (await alice.pending()).length === 1)
      const decisions = await Promise.allSettled([
        alice.approve(asked.actionId),
        bob.deny(asked.actionId, 'no'),
      ])
      const lost = decisions.filter((decision) => decision.status === 'rejected')
      expect(lost).toHaveLength(1)
      expect(lost[0]?.reason).toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/was (approved|denied) by (alice|bob) at \d{4}-/),
      })
      await asked.result({ timeoutMs: 5000 })
    }
  })

  test('the whole life of an action can be watched in order with wildcard subscriptions', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const watcher = await connect(clientOptions(await it.broker.credentials('operator', 'bob')))
    const seen: string[] = []
    for (const kind of ['REQUEST', 'APPROVAL_NEEDED', 'START', 'OUTPUT', 'RESULT', 'DENIED']) {
      watcher.subscribe(`SYSTEM_ACTION_${kind}.>`, {
        callback: (_error, message) => seen.push(message.subject),
      })
    }
    await watcher.flush()
    const asked = await agent.requestAction({
      command: 'echo one > made; cat made',
      actionId: 'watched',
    })
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.approve('watched')
    await asked.result({ timeoutMs: 5000 })
    await watcher.drain()
    expect(seen).toEqual([
      'SYSTEM_ACTION_REQUEST.agent-a',
      'SYSTEM_ACTION_APPROVAL_NEEDED.agent-a.watched',
      'SYSTEM_ACTION_START.agent-a.watched',
      'SYSTEM_ACTION_OUTPUT.agent-a.watched',
      'SYSTEM_ACTION_RESULT.agent-a.watched',
    ])
  })

  test('the hub is found as a NATS service, with an endpoint for each thing that may be asked', async () => {
    await using it = await TestHub.start()
    const client = await connect(clientOptions(await it.broker.credentials('operator', 'bob')))
    const services = client.services.client()
    const found: string[] = []
    for await (const service of await services.ping('CentralPost')) found.push(service.name)
    expect(found).toEqual(['CentralPost'])
    const subjects: string[] = []
    for await (const info of await services.info('CentralPost')) {
      subjects.push(...info.endpoints.map((endpoint) => endpoint.subject))
    }
    expect(subjects.toSorted((a, b) => a.localeCompare(b))).toEqual(
      [
        ...agentEndpointNames.map((name) => `CENTRAL_POST.agent.*.${name}`),
        ...operatorEndpointNames.map((name) => `CENTRAL_POST.operator.*.${name}`),
      ].toSorted((a, b) => a.localeCompare(b)),
    )
    await client.close()
  })

  test('output comes while the command runs', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction(
      'touch busy; for n in 1 2 3; do echo $n; sleep 0.2; done',
    )
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.approve(asked.actionId)
    const times: number[] = []
    let text = ''
    for await (const chunk of asked.output) {
      times.push(Date.now())
      text += chunk.data
    }
    expect(text).toBe('1\n2\n3\n')
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200)
  })
})

describe('cancelling', () => {
  test('a running action has its process ended, and its result says by whom', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch busy; sleep 60')
    await eventually(async () => (await operator.pending()).length === 1)
    await operator.approve(asked.actionId)
    await eventually(async () => (await operator.result(asked.actionId)).state === 'running')
    await operator.cancel(asked.actionId, { reason: 'too slow' })
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'cancelled',
      error_category: 'cancelled',
      reason: 'cancelled by alice: too slow',
    })
  })

  test('an agent cancels what waits for a person', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await agent.requestAction('touch made')
    await eventually(async () => (await operator.pending()).length === 1)
    await asked.cancel('not needed any more')
    expect(await asked.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'cancelled',
      reason: 'cancelled by agent agent-a: not needed any more',
    })
    expect(await operator.pending()).toEqual([])
  })

  test('what has ended cannot be cancelled, nor seen or cancelled by another agent', async () => {
    await using it = await TestHub.start()
    const [mine, other] = [await it.agent('agent-a'), await it.agent('agent-b')]
    const asked = await mine.requestAction('pwd')
    await asked.result({ timeoutMs: 5000 })
    await expect(asked.cancel()).rejects.toMatchObject({ code: 'conflict' })
    expect(await other.checkActionResult(asked.actionId)).toBeNull()
    await expect(other.cancelAction(asked.actionId)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('what is recorded', () => {
  test('every action with its ending is found, by id and by words, and the audit chain is whole', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const safe = await agent.requestAction({ command: 'echo needle-in-output', context: 'why not' })
    await safe.result({ timeoutMs: 5000 })
    const blocked = await agent.requestAction('cat ~/.ssh/id_rsa')
    await blocked.result({ timeoutMs: 5000 })
    const { entries } = await operator.history({})
    expect(entries.map((entry) => [entry.command, entry.status])).toEqual([
      ['cat ~/.ssh/id_rsa', 'denied'],
      ['echo needle-in-output', 'completed'],
    ])
    expect((await operator.history({ query: 'needle-in' })).entries).toHaveLength(1)
    expect((await operator.history({ query: 'why' })).entries).toHaveLength(1)
    expect(await operator.verify()).toMatchObject({ intact: true, first_bad: null })
    expect(await operator.stats('echo needle-in-output')).toMatchObject({
      total_executions: 1,
      successful: 1,
      success_rate: 1,
    })
  })

  test('a refusal of the hub is a CentralPostError again on the other side', async () => {
    await using it = await TestHub.start()
    const operator = await it.operator()
    const failure = await operator.approve('no-such-action').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CentralPostError)
    expect(failure).toMatchObject({ code: 'not_found' })
  })
})
