import type { TailedEvent } from '@centralpost/agents'
import { requestSubject, ruleChangedSubject } from '@centralpost/shared'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

/** What an operator's tail is told of always rules. */
async function rulesHeardBy(it: TestHub, name: string, agentId?: string): Promise<TailedEvent[]> {
  const operator = await it.operator(name)
  const heard: TailedEvent[] = []
  operator.tail(
    (event) => {
      if (event.subject === ruleChangedSubject) heard.push(event)
    },
    agentId === undefined ? {} : { agentId },
  )
  await operator.flush()
  return heard
}

test('every operator is told of a rule that is made, by an approval or from a proposal, and of its end', async () => {
  await using it = await TestHub.start()
  const heard = await rulesHeardBy(it, 'bob')
  const ofOther = await rulesHeardBy(it, 'bob', 'agent-b')
  const agent = await it.agent()
  const alice = await it.operator('alice')
  const ruled = await agent.requestAction({ command: 'touch one', workflowId: 'wf' })
  const { rule_id: ruleId = '' } = await eventually(() =>
    alice.approve(ruled.actionId, { decision: 'approve_always_exact' }),
  )
  await eventually(() => heard.length === 1)
  expect(heard[0]).toMatchObject({
    kind: 'rule',
    agentId: 'agent-a',
    message: {
      schema: 1,
      change: 'made',
      rule_id: ruleId,
      agent_id: 'agent-a',
      workflow_id: 'wf',
      created_by: 'alice',
      revoked_by: null,
    },
  })
  await alice.revokeRule(ruleId)
  await eventually(() => heard.length === 2)
  expect(heard[1]).toMatchObject({
    kind: 'rule',
    message: { change: 'revoked', rule_id: ruleId, revoked_by: 'alice' },
  })
  await expect(alice.revokeRule(ruleId)).rejects.toMatchObject({ code: 'not_found' })

  for (const n of [1, 2, 3]) {
    const held = await agent.requestAction(`mkdir dir-${n}`)
    await eventually(() => alice.approve(held.actionId))
    await held.result()
  }
  const [proposal] = await alice.proposals()
  if (proposal === undefined) throw new Error('nothing is proposed')
  const made = await alice.acceptProposal(proposal)
  await eventually(() => heard.length === 3)
  expect(heard[2]?.message).toMatchObject({ change: 'made', ...made })

  const everywhere = await agent.requestAction('touch everywhere')
  await eventually(() =>
    alice.approve(everywhere.actionId, { decision: 'approve_always_exact', scope: 'everything' }),
  )
  await eventually(() => heard.length === 4)
  // of one agent: its own rules, and those that hold for every agent
  expect(ofOther.map(({ agentId }) => agentId)).toEqual([''])
}, 30_000)

test('an agent hears of no rule and can announce none, neither itself nor through what answers it', async () => {
  await using it = await TestHub.start()
  const heard = await rulesHeardBy(it, 'bob')
  const bus = await it.bus('agent', 'agent-a')
  const overheard: unknown[] = []
  const refused: unknown[] = []
  for (const subject of [ruleChangedSubject, 'CENTRAL_POST.hub.>']) {
    bus.subscribe(
      subject,
      (message) => overheard.push(message.subject),
      (error) => refused.push(error.code),
    )
  }
  const forged = { schema: 1, change: 'made', description: 'everything, for every agent' }
  bus.publish(ruleChangedSubject, forged)
  const raw = new TextEncoder().encode(JSON.stringify({ command: 'pwd', action_id: 'bait' }))
  bus.connection.publish(requestSubject('agent-a'), raw, { reply: ruleChangedSubject })
  bus.connection.publish('CENTRAL_POST.agent.agent-a.state', raw, { reply: ruleChangedSubject })
  await bus.flush()

  const alice = await it.operator('alice')
  const real = await (await it.agent('agent-b')).requestAction('touch real')
  await eventually(() => alice.approve(real.actionId, { decision: 'approve_always_exact' }))
  await eventually(() => heard.length > 0)
  await eventually(async () => (await alice.result('bait')).result !== null)
  expect(heard.map(({ kind, agentId }) => [kind, agentId])).toEqual([['rule', 'agent-b']])
  expect(refused).toEqual(['forbidden', 'forbidden'])
  // its own answers come to it under the subject that it named, in its own account
  expect(overheard).toEqual([])
}, 30_000)
