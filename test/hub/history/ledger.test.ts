import { sql } from 'kysely'
import { verifyAudit } from '../../../hub/src/history/audit/verify.ts'
import type { NewCommandExecution } from '../../../hub/src/history/schema.ts'
import { backends, HistoryPlace, queued } from '../../support/history-fixture.ts'

const row = (actionId: string, changes: Partial<NewCommandExecution> = {}): NewCommandExecution =>
  queued({
    action_id: actionId,
    command: `echo ${actionId}`,
    command_hash: actionId,
    request_hash: actionId,
    ...changes,
  })

describe.each(backends)('the ledger on $title', ({ backend }) => {
  let place: HistoryPlace
  beforeAll(async () => {
    place = await HistoryPlace.open(backend)
  }, 60_000)
  afterAll(() => place?.[Symbol.asyncDispose]())

  test('of many intakes of one id at once, one is new and the others know it', async () => {
    await using it = await place.make()
    const intakes = await Promise.all(
      Array.from({ length: 50 }, () => it.ledger.takeIn(row('same'), [{ kind: 'requested' }])),
    )
    expect(intakes.filter((intake) => intake.kind === 'new')).toHaveLength(1)
    expect(intakes.filter((intake) => intake.kind === 'known')).toHaveLength(49)
    const other = await it.ledger.takeIn(row('same', { request_hash: 'other' }), [])
    expect(other.kind).toBe('conflict')
  })

  test('of many steps out of one state at once, one is taken', async () => {
    await using it = await place.make()
    const intake = await it.ledger.takeIn(row('one'), [])
    if (intake.kind !== 'new') throw new Error('not new')
    const steps = await Promise.all(
      Array.from({ length: 20 }, () =>
        it.ledger.step(intake.executionId, {
          from: ['queued'],
          to: 'running',
          at: 0,
          changes: {},
          told: { kind: 'started' },
        }),
      ),
    )
    expect(steps.filter(Boolean)).toHaveLength(1)
  })

  test('a step on what the row no longer says is not taken', async () => {
    await using it = await place.make()
    const intake = await it.ledger.takeIn(row('one', { status: 'pending', digest: 'shown' }), [])
    if (intake.kind !== 'new') throw new Error('not new')
    const approve = (digest: string) =>
      it.ledger.step(intake.executionId, {
        from: ['pending'],
        to: 'queued',
        only: { digest },
        at: 0,
        changes: {},
        told: { kind: 'approved' },
      })
    expect(await approve('another')).toBe(false)
    expect(await approve('shown')).toBe(true)
  })

  test('a write that fails undoes itself alone; those that shared its commit are done', async () => {
    await using it = await place.make()
    const writes = await Promise.allSettled([
      it.ledger.takeIn(row('good-1'), []),
      it.ledger.takeIn(row('bad', { status: null as never }), [{ kind: 'requested' }]),
      it.ledger.takeIn(row('good-2'), []),
    ])
    expect(writes.map((write) => write.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await it.index()
    expect((await it.history.getRecentExecutions()).map((entry) => entry.action_id)).toEqual([
      'good-2',
      'good-1',
    ])
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, events: 0 })
  })

  test('a step that is none is a bug, and is not taken', async () => {
    await using it = await place.make()
    await expect(
      it.ledger.step(1, {
        from: ['completed'],
        to: 'running',
        at: 0,
        changes: {},
        told: { kind: 'started' },
      }),
    ).rejects.toThrow(/does not step from completed to running/)
  })

  test('a changed, removed or moved audit event is named', async () => {
    await using it = await place.make()
    for (const id of ['a', 'b', 'c']) await it.ledger.takeIn(row(id), [{ kind: 'requested' }])
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, events: 3 })
    const on = backend === 'postgres' ? sql` on audit_events` : sql``
    await sql`drop trigger audit_events_no_update${on}`.execute(it.store.db)
    await sql`update audit_events set data = '{"x":1}' where seq = 2`.execute(it.store.db)
    expect(await verifyAudit(it.store)).toMatchObject({ intact: false, firstBad: 2 })
  })
})
