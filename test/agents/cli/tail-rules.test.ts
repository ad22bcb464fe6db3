import { expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'
import { Cli } from './run-cli.ts'

test('tail prints which rule an operator has made, and revoked', async () => {
  await using it = await TestHub.start()
  const env = { CENTRALPOST_DATA: it.dataDir, CENTRALPOST_OPERATOR: 'bob' }
  await using all = new Cli(['tail'], { env })
  await using ofAnother = new Cli(['tail', '--agent', 'agent-b', '--json'], { env })
  await eventually(() => [all, ofAnother].every((tail) => tail.stderr.includes('listening')))
  const alice = await it.operator('alice')
  const made = async (command: string, scope: 'agent' | 'everything'): Promise<string> => {
    const { actionId } = await (await it.agent()).requestAction(command)
    const { rule_id: ruleId = '' } = await eventually(() =>
      alice.approve(actionId, { decision: 'approve_always_exact', scope }),
    )
    return ruleId
  }
  const own = await made('touch mine', 'agent')
  await alice.revokeRule(own)
  const wide = await made('touch wide', 'everything')
  await eventually(() => all.stdout.includes(wide) && ofAnother.stdout.includes(wide))

  const lines = all.stdout.split('\n').filter((line) => line.includes(' rule '))
  const mine = 'by alice: exactly ["touch","mine"] in'
  expect(lines.map((line) => line.slice(9))).toEqual([
    expect.stringContaining(`agent-a ${own} rule made ${mine}`),
    expect.stringContaining(`agent-a ${own} rule revoked ${mine}`),
    expect.stringMatching(
      new RegExp(`^every agent ${wide} rule made by alice: .*for every agent$`),
    ),
  ])
  const told = ofAnother.stdout.split('\n').filter((line) => line !== '')
  expect(told.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      subject: 'CENTRAL_POST.hub.rules',
      message: expect.objectContaining({ change: 'made', rule_id: wide, agent_id: null }),
    },
  ])
}, 30_000)
