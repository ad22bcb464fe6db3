import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Agent, Operator, TailedEvent } from '@centralpost/agents'
import { decisionReplySchema, operatorEndpointSubject, rulesReplySchema } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { shippedRules, TestHub } from '../support/hub.ts'
import { TempDir } from '../support/temp-dir.ts'

async function askAndSee(
  agent: Agent,
  operator: Operator,
  asked: Parameters<Agent['requestAction']>[0],
) {
  const action = await agent.requestAction(asked)
  const shown = await eventually(async () =>
    (await operator.pending()).find((one) => one.action_id === action.actionId),
  )
  return { action, shown }
}

async function askTheSame(agent: Agent, operator: Operator, times: number) {
  const asked = []
  for (let n = 0; n < times; n += 1) asked.push(await agent.requestAction('touch same'))
  await eventually(async () => (await operator.pending()).length === times)
  return asked
}

describe('always decisions', () => {
  test('make the rule that was shown; it lets the same run without a question, is counted and can be revoked', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const bus = await it.bus('operator', 'alice')
    const { action, shown } = await askAndSee(agent, operator, {
      command: 'mkdir one',
      workflowId: 'wf',
    })
    const offered = shown.always.find((one) => one.decision === 'approve_always_command')
    expect(offered?.rule).toContain('mkdir with no options')
    const decision = await bus.request(
      operatorEndpointSubject('alice', 'approve'),
      { action_id: action.actionId, digest: shown.digest, decision: 'approve_always_command' },
      { schema: decisionReplySchema },
    )
    await action.result({ timeoutMs: 5000 })
    const again = await agent.requestAction({ command: 'mkdir two', workflowId: 'wf' })
    expect(await again.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'completed',
      trust_level: 'REVIEW',
      approved_by: `rule:${decision.rule_id}`,
    })
    const elsewhere = await askAndSee(agent, operator, {
      command: 'mkdir three',
      workflowId: 'other',
    })
    expect(elsewhere.shown.action_id).toBe(elsewhere.action.actionId)

    const rules = async (call: object) =>
      (
        await bus.request(operatorEndpointSubject('alice', 'rules'), call, {
          schema: rulesReplySchema,
        })
      ).rules
    expect(await rules({})).toMatchObject([
      {
        description: offered?.rule,
        workflow_id: 'wf',
        agent_id: 'agent-a',
        created_by: 'alice',
        uses: 1,
      },
    ])
    await rules({ revoke: decision.rule_id })
    expect(await rules({})).toEqual([])
    expect(await rules({ all: true })).toMatchObject([{ revoked_by: 'alice' }])
    const asksAgain = await askAndSee(agent, operator, { command: 'mkdir four', workflowId: 'wf' })
    expect(asksAgain.shown.command).toBe('mkdir four')
  })

  test('that cannot be bound are refused, and nothing is approved', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const bus = await it.bus('operator', 'alice')
    const { action, shown } = await askAndSee(agent, operator, 'mkdir a && mkdir b')
    expect(shown.always.map((one) => one.rule)).toEqual([null, null, null])
    await expect(
      bus.request(
        operatorEndpointSubject('alice', 'approve'),
        { action_id: action.actionId, decision: 'approve_always_exact' },
        { schema: decisionReplySchema },
      ),
    ).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('one program'),
    })
    expect(await operator.pending()).toHaveLength(1)
  })
})

describe('an approval binds what was shown', () => {
  test('a script that is changed after the approval goes back to review, and says so', async () => {
    await using it = await TestHub.start({ config: { execution: { parallel: 1 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    await writeFile(join(it.workspace, 'build.sh'), 'echo shown')
    // the one place to run is taken, so that the approved action waits for its start
    const busy = await askAndSee(agent, operator, 'touch busy; sleep 1.5')
    await operator.approve(busy.action.actionId)
    const { action, shown } = await askAndSee(agent, operator, 'bash build.sh')
    expect(Object.keys(shown.bound)).toContain(`file ${join(it.workspace, 'build.sh')}`)
    await operator.approve(action.actionId, { digest: shown.digest })
    await writeFile(join(it.workspace, 'build.sh'), 'echo something else')
    const back = await eventually(async () =>
      (await operator.pending()).find((one) => one.digest !== shown.digest),
    )
    expect(back.action_id).toBe(action.actionId)
    expect(back.verdict.reasons[0]).toMatch(/changed since it was shown: file .*build\.sh/)
    await operator.approve(action.actionId, { digest: back.digest })
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({ stdout: 'something else\n' })
  })

  test.each([
    ['bash run', 'run'],
    ['. ./env', 'env'],
    ['bash < in.txt', 'in.txt'],
    ['make -f rules', 'rules'],
    ['cd sub && bash build.sh', 'sub/build.sh'],
    ['bash bu*.sh', 'build.sh'],
  ])('what %s runs is bound by what it holds', async (command, file) => {
    await using it = await TestHub.start({ config: { execution: { parallel: 1 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    await mkdir(join(it.workspace, 'sub'))
    await writeFile(join(it.workspace, file), 'echo shown')
    const { shown } = await askAndSee(agent, operator, command)
    await writeFile(join(it.workspace, file), 'echo something else')
    const later = await askAndSee(agent, operator, { command, actionId: 'later' })
    expect(shown.bound[`file ${join(it.workspace, file)}`]).toMatch(/^[0-9a-f]{64}$/)
    expect(later.shown.digest).not.toBe(shown.digest)
  })

  test('a directory that becomes a link elsewhere is not entered', async () => {
    await using it = await TestHub.start({ config: { execution: { parallel: 1 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const place = join(it.workspace, 'place')
    await mkdir(place)
    await mkdir(join(it.workspace, 'other'))
    const busy = await askAndSee(agent, operator, 'touch busy; sleep 1.5')
    await operator.approve(busy.action.actionId)
    const { action, shown } = await askAndSee(agent, operator, {
      command: 'touch made',
      cwd: place,
    })
    await operator.approve(action.actionId)
    await rename(place, join(it.workspace, 'moved'))
    await symlink(join(it.workspace, 'other'), place)
    const back = await eventually(async () =>
      (await operator.pending()).find((one) => one.action_id === action.actionId),
    )
    expect(back.digest).not.toBe(shown.digest)
    expect(back.verdict.reasons[0]).toContain('directory')
  })
})

describe('the rules in force when it starts decide', () => {
  test('what was approved or SAFE under other rules is refused or asked about again', async () => {
    await using dir = await TempDir.make()
    const rulesPath = join(dir.path, 'rules.yaml')
    const shipped = await readFile(shippedRules, 'utf8')
    await writeFile(rulesPath, shipped)
    await using it = await TestHub.start({ config: { execution: { parallel: 1 } }, rulesPath })
    const agent = await it.agent()
    const operator = await it.operator()
    const before = (await operator.hubs())[0]?.policy
    const busy = await askAndSee(agent, operator, 'touch busy; sleep 2')
    await operator.approve(busy.action.actionId)
    const approved = await askAndSee(agent, operator, 'touch forbidden')
    await operator.approve(approved.action.actionId)
    const safe = await agent.requestAction('ls -1')
    await writeFile(
      rulesPath,
      shipped
        .replace(/^blocked:$/m, () => "blocked:\n  - '^touch forbidden$'")
        .replace(/^review:$/m, () => "review:\n  - '^ls -1$'"),
    )
    await eventually(async () => (await operator.hubs())[0]?.policy !== before)
    expect(await approved.action.result({ timeoutMs: 8000 })).toMatchObject({
      status: 'denied',
      trust_level: 'BLOCKED',
      reason: expect.stringContaining('the rules have changed since it was cleared'),
    })
    const back = await eventually(async () =>
      (await operator.pending()).find((one) => one.action_id === safe.actionId),
    )
    expect(back.trust_level).toBe('REVIEW')
  })
})

describe('more than one must approve', () => {
  test('a risky action waits for the second operator; the same one twice is one', async () => {
    await using it = await TestHub.start({
      config: { approvals: { quorum: { high: 2, medium: 2 } } },
    })
    const agent = await it.agent()
    const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
    await writeFile(join(it.workspace, 'old'), '')
    const { action, shown } = await askAndSee(agent, alice, 'rm old')
    expect(shown).toMatchObject({ approvals: [], approvals_needed: 2 })
    expect(await alice.approve(action.actionId)).toMatchObject({
      state: 'pending',
      approvals: ['alice'],
    })
    expect(await alice.approve(action.actionId)).toMatchObject({
      state: 'pending',
      approvals: ['alice'],
    })
    expect((await bob.pending())[0]).toMatchObject({ approvals: ['alice'] })
    expect(await bob.approve(action.actionId)).toMatchObject({ state: 'queued' })
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({ approved_by: 'alice, bob' })
  })

  test('nobody approves what they asked for themselves', async () => {
    await using it = await TestHub.start({ agents: ['operator-alice'] })
    const agent = await it.agent('operator-alice')
    const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
    const { action } = await askAndSee(agent, alice, 'touch mine')
    await expect(alice.approve(action.actionId)).rejects.toMatchObject({ code: 'forbidden' })
    await bob.approve(action.actionId)
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({ approved_by: 'bob' })
  })

  test('an operator approves their own where the settings say so; it is told and recorded as self-approved', async () => {
    await using it = await TestHub.start({
      agents: ['operator-alice'],
      config: { approvals: { self_approval: true } },
    })
    const agent = await it.agent('operator-alice')
    const alice = await it.operator('alice')
    const told: TailedEvent[] = []
    alice.tail((event) => told.push(event))
    await alice.flush()
    const { action } = await askAndSee(agent, alice, 'touch mine')
    await alice.approve(action.actionId)
    expect(await action.result({ timeoutMs: 5000 })).toMatchObject({ approved_by: 'alice' })
    expect(told.find((event) => event.kind === 'approved')?.message).toMatchObject({
      approved_by: 'alice',
      self_approved: true,
      cleared: true,
    })
    const blocked = await agent.requestAction('rm -rf /')
    expect(await blocked.result({ timeoutMs: 5000 })).toMatchObject({ status: 'denied' })
  })
})

describe('back-pressure', () => {
  test('one approval runs one action, and says how many that are the same wait on', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await askTheSame(agent, operator, 3)
    expect((await operator.pending()).map((one) => one.same_pending)).toEqual([2, 2, 2])

    expect(await operator.approve(asked[1]?.actionId ?? '')).toMatchObject({ same_pending: 2 })

    expect(await asked[1]?.result({ timeoutMs: 5000 })).toMatchObject({ status: 'completed' })
    expect((await operator.pending()).map((one) => one.action_id)).toEqual([
      asked[0]?.actionId,
      asked[2]?.actionId,
    ])
    const rest = await operator.approve(asked[0]?.actionId ?? '', { same: true })
    expect(rest).toMatchObject({ same_decided: [asked[2]?.actionId] })
    expect(rest).not.toHaveProperty('same_pending')
    const results = await Promise.all(asked.map((one) => one.result({ timeoutMs: 5000 })))
    expect(results.map((result) => result.status)).toEqual(Array(3).fill('completed'))
  })

  test('one denial refuses all that are the same, and counts once', async () => {
    await using it = await TestHub.start({ config: { approvals: { denials_to_cool_down: 2 } } })
    const agent = await it.agent()
    const operator = await it.operator()
    const asked = await askTheSame(agent, operator, 4)

    const denied = await operator.deny(asked[0]?.actionId ?? '', 'no')

    expect(denied.same_decided).toHaveLength(3)
    for (const one of asked) {
      expect(await one.result({ timeoutMs: 5000 })).toMatchObject({ status: 'denied' })
    }
    const next = await askAndSee(agent, operator, 'touch other')
    await operator.deny(next.action.actionId, 'no')
    const hot = await agent.requestAction('touch third')
    expect(await hot.result({ timeoutMs: 5000 })).toMatchObject({ status: 'rejected' })
  })

  test('what was approved in time still runs when the hub was too busy to start it in time', async () => {
    await using it = await TestHub.start({
      config: { execution: { parallel: 1 }, approvals: { execute_within: 1 } },
    })
    const agent = await it.agent()
    const operator = await it.operator()
    const busy = await askAndSee(agent, operator, 'touch busy; sleep 3')
    await operator.approve(busy.action.actionId)
    const { action } = await askAndSee(agent, operator, 'touch later')
    await operator.approve(action.actionId)
    expect(await action.result({ timeoutMs: 15_000 })).toMatchObject({ status: 'completed' })
  })

  test('more waiting actions of one agent than allowed are rejected; others are not touched', async () => {
    await using it = await TestHub.start({ config: { approvals: { pending_per_agent: 3 } } })
    const [mine, other] = [await it.agent('agent-a'), await it.agent('agent-b')]
    const operator = await it.operator()
    for (let n = 0; n < 3; n += 1) await askAndSee(mine, operator, `touch made-${n}`)
    const over = await mine.requestAction('touch made-4')
    expect(await over.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('wait for approval already'),
    })
    const safe = await mine.requestAction('pwd')
    expect(await safe.result({ timeoutMs: 5000 })).toMatchObject({ status: 'completed' })
    await askAndSee(other, operator, 'touch made')
  })

  test('an agent that is denied again and again must wait before it asks a person again', async () => {
    await using it = await TestHub.start({
      config: { approvals: { denials_to_cool_down: 2, cool_down: 2 } },
    })
    const agent = await it.agent()
    const operator = await it.operator()
    for (let n = 0; n < 2; n += 1) {
      const { action } = await askAndSee(agent, operator, `touch made-${n}`)
      await operator.deny(action.actionId, 'no')
      await action.result({ timeoutMs: 5000 })
    }
    const hot = await agent.requestAction('touch made-3')
    expect(await hot.result({ timeoutMs: 5000 })).toMatchObject({
      status: 'rejected',
      reason: expect.stringMatching(/was denied.* after \d{4}-/),
    })
    await eventually(async () => {
      const later = await agent.requestAction('touch made-4')
      await Promise.race([later.result(), delay(200)])
      return (await operator.pending()).length > 0
    })
  })
})

describe('reuse_result', () => {
  test('gives the earlier result of the same command in the same workflow, until something may have written', async () => {
    await using it = await TestHub.start()
    const agent = await it.agent()
    const operator = await it.operator()
    const ask = async (reuseResult: boolean, workflowId = 'wf') => {
      const asked = await agent.requestAction({ command: 'ls', workflowId, reuseResult })
      return asked.result({ timeoutMs: 5000 })
    }
    const first = await ask(true)
    expect(first.reused_from).toBeNull()
    expect(await ask(true)).toMatchObject({ reused_from: first.execution_id, stdout: first.stdout })
    expect((await ask(false)).reused_from).toBeNull()
    expect((await ask(true, 'other')).reused_from).toBeNull()
    const { action } = await askAndSee(agent, operator, { command: 'touch new', workflowId: 'wf' })
    await operator.approve(action.actionId)
    await action.result({ timeoutMs: 5000 })
    expect(await ask(true)).toMatchObject({ reused_from: null, stdout: 'new\n' })
  })
})
