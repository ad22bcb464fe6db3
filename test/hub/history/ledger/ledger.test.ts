import { sql } from 'kysely'
import { verifyAudit } from '#hub/history/audit/verify.ts'
import type { NewExecution } from '#hub/history/store/execution.ts'
import { backends, HistoryPlace, queued } from '../../../support/history-fixture.ts'

const row = (actionId: string, changes: Partial<NewExecution> = {}): NewExecution =>
  queued({
    action_id: actionId,
    command: `echo ${actionId}`,
    command_hash: actionId,
    request_hash: actionId,
    ...changes,
  })

const each = (names: string, value: (index: number, name: string) => unknown) =>
  Object.fromEntries(names.split(/\s+/).map((name, index) => [name, value(index, name)]))

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

  test('every column of an action is kept as it was given', async () => {
    await using it = await place.make()
    const texts = `agent_id agent_type workflow_id command command_hash request_hash message_id context cwd digest
      approved_by decided_by hub_id error_category reason output_ref stdout_preview stderr_preview`
    const numbers = `timeout_ms expires_at reused_from deadline approval_timestamp execution_timestamp timestamp finished_at
      exit_code duration output_size`
    const whole = row('whole', {
      ...each(texts, (_index, name) => `${name}'s`),
      ...each(numbers, (index) => 1000 + index),
      argv: ['echo', 'whole'],
      env: { A: 'b' },
      verdict: {
        level: 'SAFE',
        reasons: ['prints'],
        units: [],
        risk: { level: 'low', score: 0, parts: [] },
        plan: { kind: 'argv', argv: ['echo', 'whole'] },
        policy: 'p',
      },
      bound: { '/bin/echo': 'as it was' },
      trust_level: 'SAFE',
      status: 'completed',
      stream_output: 0,
      success: 1,
      venv_active: 0,
      masked: 0,
    })
    expect(await it.ledger.takeIn(whole, [])).toEqual({ kind: 'new', executionId: 1 })
    expect(await it.ledger.get(1)).toEqual({ ...whole, execution_id: 1 })
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
        where: { digest },
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
      it.ledger.takeIn(row('good-1'), [{ kind: 'requested' }]),
      it.ledger.takeIn(row('bad', { status: null as never }), [{ kind: 'requested' }]),
      it.ledger.takeIn(row('good-2'), [{ kind: 'requested' }]),
    ])
    expect(writes.map((write) => write.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await it.index()
    expect((await it.history.getRecentExecutions()).map((entry) => entry.action_id)).toEqual([
      'good-2',
      'good-1',
    ])
    expect(await verifyAudit(it.store)).toMatchObject({ intact: true, events: 2 })
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
