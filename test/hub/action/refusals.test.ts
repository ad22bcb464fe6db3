import { silentLogger } from '@centralpost/shared'
import type { Refused } from '#hub/action/admission.ts'
import { Refusals } from '#hub/action/refusals.ts'
import { HistoryPlace, queued } from '../../support/history-fixture.ts'

const settings = { hubId: 'hub', pendingMs: 1000, computeCommandHash: (command: string) => command }

test('a message that comes again is told nothing; one that was sent again is told the result again', async () => {
  await using place = await HistoryPlace.open('sqlite')
  await using it = await place.make()
  const again: number[] = []
  const refusals = new Refusals(
    {
      ledger: it.ledger,
      publishResults: () => {},
      publishAgain: async (executionId) => void again.push(executionId),
      now: Date.now,
      log: silentLogger,
    },
    settings,
  )
  await it.ledger.takeIn(queued({ action_id: 'one', message_id: 'm1-a' }), [])
  const taken = await it.ledger.get(1)
  await refusals.repeat(taken, 'm1-a')
  expect(again).toEqual([])
  await refusals.repeat(taken, 'm2-a')
  expect(again).toEqual([1])

  const refused: Refused = {
    messageId: 'm3-a',
    actionId: 'two',
    agentId: 'agent-a',
    command: 'pwd',
    workflowId: null,
    reason: 'too much of it',
    requestHash: 'two',
    requestedAt: 1,
  }
  // taken in and brought again, sent again; and under an id that is used, the same
  await refusals.reject(refused)
  await refusals.reject(refused)
  await refusals.rejectReuse({ ...refused, messageId: 'm4-a' })
  await refusals.rejectReuse({ ...refused, messageId: 'm4-a' })
  expect(again).toEqual([1])
  await refusals.reject({ ...refused, messageId: 'm5-a' })
  await refusals.rejectReuse({ ...refused, messageId: 'm6-a' })
  expect(again).toEqual([1, 2, 3])
})
