import type { ActionResult } from '@centralpost/shared'
import { resultOfRecord } from '#hub/action/result-message.ts'
import { verifyAudit } from '#hub/history/audit/verify.ts'
import { asText } from '#hub/history/ledger/ledger-step.ts'
import { putAwayResults } from '#hub/history/ledger/put-away.ts'
import { backends, HistoryPlace, queued } from '../../../support/history-fixture.ts'

const whole = () => asText({ stdout: 'x' } as ActionResult)

describe.each(backends)('old results on $title', ({ backend }) => {
  let place: HistoryPlace
  beforeAll(async () => {
    place = await HistoryPlace.open(backend)
  }, 60_000)
  afterAll(() => place?.[Symbol.asyncDispose]())

  test('go when they were told; what was done stays, and the audit chain is whole', async () => {
    await using it = await place.make()
    const actions = 1100
    for (let n = 1; n <= actions; n += 1) {
      const row = queued({
        action_id: `a${n}`,
        status: 'completed',
        finished_at: n,
        exit_code: 3,
        stdout_preview: 'said',
        output_size: 5000,
      })
      const terminal = { subject: `s.${n}`, result: whole, ...(n !== 7 && { publishedAt: 1 }) }
      await it.ledger.takeIn(row, [{ kind: 'requested' }, { kind: 'finished' }], { terminal })
    }
    expect(await putAwayResults(it.commits, 1051)).toBe(1049)
    const left = await Promise.all(
      [6, 7, 8, 1050, 1051].map(async (id) => (await it.ledger.result(id)) !== null),
    )
    expect(left).toEqual([false, true, false, false, true])
    expect(await putAwayResults(it.commits, 1051)).toBe(0)
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, events: 2 * actions })

    // asked for again, an action has what its record tells
    const record = await it.ledger.get(6)
    const result = resultOfRecord(record)
    expect(result.result).toMatchObject({ exit_code: 3, stdout: 'said', truncated: true })
    await it.ledger.publishAgain(6, { subject: 's.6', result: () => result })
    await it.ledger.publishAgain(8)
    const unpublished = await it.ledger.unpublished(10)
    expect(unpublished.map((one) => [one.execution_id, one.stored])).toEqual([
      [6, 2],
      [7, 1],
    ])
    expect(await it.ledger.result(6)).toEqual(result.result)
  })
})
