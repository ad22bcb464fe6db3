import { join } from 'node:path'
import { openDatabase } from '../../../hub/src/history/database.ts'
import { GroupCommit } from '../../../hub/src/history/group-commit.ts'
import { Ledger } from '../../../hub/src/history/ledger.ts'
import type { NewCommandExecution } from '../../../hub/src/history/schema.ts'
import { CommandHistory } from '../../../hub/src/history/command-history.ts'
import { TempDir } from '../../support/temp-dir.ts'

const row = (
  actionId: string,
  changes: Partial<NewCommandExecution> = {},
): NewCommandExecution => ({
  action_id: actionId,
  agent_id: 'agent-a',
  command: `echo ${actionId}`,
  command_hash: actionId,
  request_hash: actionId,
  env: '{}',
  timeout_ms: 1000,
  stream_output: 1,
  status: 'queued',
  hub_id: 'hub',
  timestamp: 1_700_000_000_000,
  ...changes,
})

async function openLedger(dir: string) {
  const db = await openDatabase(join(dir, 'hub.db'))
  return {
    db,
    ledger: new Ledger(db, new GroupCommit(db)),
    history: new CommandHistory(db),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

describe('the ledger', () => {
  test('of many intakes of one id at once, one is new and the others know it', async () => {
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
    const intakes = await Promise.all(
      Array.from({ length: 50 }, () => it.ledger.takeIn(row('same'), [{ kind: 'requested' }])),
    )
    expect(intakes.filter((intake) => intake.kind === 'new')).toHaveLength(1)
    expect(intakes.filter((intake) => intake.kind === 'known')).toHaveLength(49)
    const other = await it.ledger.takeIn(row('same', { request_hash: 'other' }), [])
    expect(other.kind).toBe('conflict')
  })

  test('of many steps out of one state at once, one is taken', async () => {
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
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
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
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
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
    const writes = await Promise.allSettled([
      it.ledger.takeIn(row('good-1'), []),
      it.ledger.takeIn(row('bad', { status: null as never }), [{ kind: 'requested' }]),
      it.ledger.takeIn(row('good-2'), []),
    ])
    expect(writes.map((write) => write.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await it.history.getRecentExecutions()).map((entry) => entry.action_id)).toEqual([
      'good-2',
      'good-1',
    ])
    expect(await it.history.verify()).toMatchObject({ intact: true, events: 0 })
  })

  test('a step that is none is a bug, and is not taken', async () => {
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
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
    await using dir = await TempDir.make()
    await using it = await openLedger(dir.path)
    for (const id of ['a', 'b', 'c']) await it.ledger.takeIn(row(id), [{ kind: 'requested' }])
    expect(await it.history.verify()).toMatchObject({ intact: true, events: 3 })
    const { sql } = await import('kysely')
    await sql`drop trigger audit_events_no_update`.execute(it.db)
    await sql`update audit_events set data = '{"x":1}' where seq = 2`.execute(it.db)
    expect(await it.history.verify()).toMatchObject({ intact: false, firstBad: 2 })
  })
})
