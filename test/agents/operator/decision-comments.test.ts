import { expect, test } from '@jest/globals'
import { commentsIn } from '#agents/operator/decision-comments.ts'
import { eventually } from '../../support/eventually.ts'
import { TestHub } from '../../support/hub.ts'

test('each of several who approve is told with what they said, without what looks like a secret', async () => {
  await using it = await TestHub.start({ config: { approvals: { quorum: { low: 2 } } } })
  const [alice, bob] = [await it.operator('alice'), await it.operator('bob')]
  const action = await (await it.agent()).requestAction('mkdir one')
  const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'
  await eventually(() => alice.approve(action.actionId, { comment: `mind ${secret}` }))
  await bob.approve(action.actionId, { comment: 'fine by me' })
  await action.result()

  const { events } = await alice.action(action.actionId)
  expect(commentsIn(events).map(({ by, text }) => `${by}: ${text}`)).toEqual([
    expect.stringMatching(/^alice: mind \[masked:\w+\]$/),
    'bob: fine by me',
  ])
  expect(JSON.stringify(events)).not.toContain(secret)
}, 30_000)
