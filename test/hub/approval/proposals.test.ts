import { expect, test } from '@jest/globals'
import { TrustManager } from '@centralpost/hub'
import { type RuleChanged, silentLogger } from '@centralpost/shared'
import { Proposals } from '#hub/approval/proposals.ts'
import { RuleBook } from '#hub/approval/rule-book.ts'
import { shippedRules } from '../../support/hub.ts'
import { HistoryPlace } from '../../support/history-fixture.ts'

const now = 1_800_000_000_000

test('yeses that come at once make one rule, and the others are told of it', async () => {
  await using place = await HistoryPlace.open('sqlite')
  await using it = await place.make()
  const trust = await TrustManager.open({ rulesPath: shippedRules, log: silentLogger })
  const cwd = it.dir.path
  for (const n of [1, 2, 3]) {
    const command = `mkdir dir-${n}`
    const verdict = trust.classifyCommand(command, { cwd })
    const of = { cwd, verdict, trust_level: 'REVIEW', approved_by: 'alice' } as const
    await it.record({ action_id: `held-${n}`, command, timestamp: now - n, ...of })
  }
  await it.index()
  const found = await it.history.getRepeatedApprovals({ least: 3, limit: 20, since: 0 })
  const announced: RuleChanged[] = []
  const judge = trust.judge.bind(trust)
  const rules = new RuleBook({
    judge,
    approvals: it.approvals,
    announce: { ruleChanged: (message) => announced.push(message) },
    limits: { ruleMs: 1000, maxRuleMs: 2000 },
    now: () => now,
    log: silentLogger,
  })
  const proposals = new Proposals({
    rules,
    judge,
    neededFor: () => 1,
    selfApproval: () => Promise.resolve(false),
  })
  const [proposal] = await proposals.of(found)
  if (proposal?.rule == null) throw new Error('nothing is proposed')
  const { rule, decision, agent_id: agentId } = proposal
  const said = await Promise.allSettled(
    ['alice', 'bob', 'carol'].map((by) =>
      proposals.accept(found, { by, agentId, actionId: 'held-1', decision, rule }),
    ),
  )
  expect(said.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(said[1]).toMatchObject({
    reason: { code: 'conflict', details: { rule: { created_by: 'alice' } } },
  })
  expect(await rules.list(true)).toHaveLength(1)
  expect(announced).toMatchObject([{ change: 'made', created_by: 'alice' }])
  expect(await proposals.of(found)).toEqual([])
  await trust.close()
})
