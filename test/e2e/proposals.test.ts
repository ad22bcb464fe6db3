import type { Agent, Operator } from '@centralpost/agents'
import { eventually } from '../support/eventually.ts'
import { TestHub, type TestHubOptions } from '../support/hub.ts'

/** Has an agent ask for `mkdir dir-1` and so on, and operators approve each. */
async function approveThree(agent: Agent, operators: readonly Operator[]): Promise<void> {
  for (const n of [1, 2, 3]) {
    const held = await agent.requestAction({ command: `mkdir dir-${n}`, actionId: `held-${n}` })
    for (const operator of operators) await eventually(() => operator.approve(held.actionId))
    await held.result({ timeoutMs: 5000 })
  }
}

async function repeated(it: TestHub) {
  const agent = await it.agent()
  const alice = await it.operator('alice')
  await approveThree(agent, [alice])
  const [proposal] = await alice.proposals()
  if (proposal === undefined) throw new Error('nothing is proposed')
  return { agent, alice, proposal }
}

const waits = async (it: TestHub, agent: Agent, command: string): Promise<string> => {
  const { actionId } = await agent.requestAction({ command })
  const operator = await it.operator()
  await eventually(async () => (await operator.pending()).some((one) => one.action_id === actionId))
  return actionId
}

test('repeated approvals propose a rule and approve nothing', async () => {
  await using it = await TestHub.start()
  const { agent, alice, proposal } = await repeated(it)
  expect(proposal).toMatchObject({
    decision: 'approve_always_command',
    command: 'mkdir {name}',
    approvals: 3,
    approved_by: ['alice'],
    rule: expect.stringContaining('mkdir with no options'),
  })
  expect(proposal.support.map((one) => one.action_id)).toEqual(['held-3', 'held-2', 'held-1'])
  expect(await alice.alwaysRules()).toEqual([])
  await waits(it, agent, 'mkdir dir-4')
}, 30_000)

test('an operator who accepts a proposal makes its rule: as it was shown, under their name, to be revoked', async () => {
  await using it = await TestHub.start()
  const { agent, alice, proposal } = await repeated(it)
  const bob = await it.operator('bob')
  const rule = await bob.acceptProposal(proposal, { comment: 'seen enough', expiresInSeconds: 60 })
  expect(rule).toMatchObject({
    description: proposal.rule,
    decision: proposal.decision,
    created_by: 'bob',
    agent_id: 'agent-a',
    workflow_id: null,
  })
  const lasts = Date.parse(rule.expires_at) - Date.parse(rule.created_at)
  expect(lasts).toBe(60_000)

  const again = await agent.requestAction('mkdir dir-4')
  expect(await again.result({ timeoutMs: 5000 })).toMatchObject({
    status: 'completed',
    approved_by: `rule:${rule.rule_id}`,
  })
  const { events } = await alice.action('held-3')
  expect(events.find(({ kind }) => kind === 'rule_made')?.data).toMatchObject({
    by: 'bob',
    rule: proposal.rule,
    accepted: { approvals: 3, of: ['held-3', 'held-2', 'held-1'] },
    comment: 'seen enough',
  })
  expect(await alice.proposals()).toEqual([])
  await expect(alice.acceptProposal(proposal)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`${rule.rule_id} of bob`),
  })
  await alice.revokeRule(rule.rule_id)
  expect(await alice.proposals()).toHaveLength(1)
  await waits(it, agent, 'mkdir dir-5')
}, 30_000)

/** Expects a yes to be refused, and no rule to be made by it. */
const refused = async (
  what: Promise<unknown>,
  alice: Operator,
  expected: { code: string; message: unknown },
): Promise<void> => {
  await expect(what).rejects.toMatchObject(expected)
  expect(await alice.alwaysRules()).toEqual([])
}

describe('no rule is made of a proposal', () => {
  test('that reads otherwise than it was shown', async () => {
    await using it = await TestHub.start()
    const { alice, proposal } = await repeated(it)
    const wider = {
      ...proposal,
      rule: proposal.rule?.replace('agent agent-a', 'every agent') ?? '',
    }
    await refused(alice.acceptProposal(wider), alice, {
      code: 'conflict',
      message: expect.stringContaining(String(proposal.rule)),
    })
    const other = { ...proposal, decision: 'approve_always_path_pattern' } as const
    await refused(alice.acceptProposal(other), alice, {
      code: 'conflict',
      message: expect.stringContaining('has changed since it was shown'),
    })
  }, 30_000)

  test('that somebody has denied meanwhile', async () => {
    await using it = await TestHub.start()
    const { agent, alice, proposal } = await repeated(it)
    await alice.deny(await waits(it, agent, 'mkdir dir-4'), 'not this one')
    await refused(alice.acceptProposal(proposal), alice, {
      code: 'conflict',
      message: expect.stringContaining('no rule is proposed from held-3 of agent-a'),
    })
  }, 30_000)

  test('from actions of another agent, or from none', async () => {
    await using it = await TestHub.start()
    const { alice, proposal } = await repeated(it)
    await refused(alice.acceptProposal({ ...proposal, agent_id: 'agent-b' }), alice, {
      code: 'conflict',
      message: expect.stringContaining('held-3 of agent-b'),
    })
    const nothing = { ...proposal, support: [{ action_id: 'never-was' }] }
    await refused(alice.acceptProposal(nothing), alice, {
      code: 'conflict',
      message: expect.stringContaining('never-was'),
    })
  }, 30_000)

  test('for longer than a rule may hold', async () => {
    await using it = await TestHub.start()
    const { alice, proposal } = await repeated(it)
    await refused(alice.acceptProposal(proposal, { expiresInSeconds: 1e9 }), alice, {
      code: 'invalid_request',
      message: expect.stringContaining('expires_in'),
    })
  }, 30_000)

  test('by the operator who asked for it, where nobody may approve their own', async () => {
    const options: TestHubOptions = { agents: ['operator-alice'] }
    await using it = await TestHub.start(options)
    const alice = await it.operator('alice')
    const bob = await it.operator('bob')
    await approveThree(await it.agent('operator-alice'), [bob])
    const [proposal] = await alice.proposals()
    if (proposal === undefined) throw new Error('nothing is proposed')
    await refused(alice.acceptProposal(proposal), alice, {
      code: 'forbidden',
      message: expect.stringContaining('another operator'),
    })
    expect(await bob.acceptProposal(proposal)).toMatchObject({ created_by: 'bob' })
  }, 30_000)

  test('where several must approve', async () => {
    await using it = await TestHub.start({ config: { approvals: { quorum: { low: 2 } } } })
    const alice = await it.operator('alice')
    const bob = await it.operator('bob')
    await approveThree(await it.agent(), [alice, bob])
    expect(await alice.proposals()).toEqual([])
    const shown = {
      agent_id: 'agent-a',
      decision: 'approve_always_command',
      rule: `mkdir with no options, in ${it.workspace}, on nothing outside it, for agent agent-a`,
      support: [{ action_id: 'held-3' }],
    } as const
    await refused(alice.acceptProposal(shown), alice, {
      code: 'invalid_request',
      message: expect.stringContaining('2 operators must approve'),
    })
  }, 30_000)
})
