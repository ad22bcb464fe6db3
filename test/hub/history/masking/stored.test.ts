import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ActionResult, Verdict } from '@centralpost/shared'
import { sql } from 'kysely'
import {
  backends,
  ended,
  type HistoryFixture,
  HistoryPlace,
  queued,
} from '../../../support/history-fixture.ts'
import { asText } from '#hub/history/ledger/ledger-step.ts'

const secret = 'correct-horse-battery'
const command = `mysql --password=${secret} shop`

const verdict: Verdict = {
  level: 'REVIEW',
  reasons: [`runs ${command}`],
  units: [{ text: command, level: 'REVIEW', rule: 'r', reason: 'why' }],
  risk: { level: 'low', score: 0, parts: [] },
  plan: { kind: 'argv', argv: ['mysql', `--password=${secret}`, 'shop'] },
  policy: 'p',
}

const waiting = (fields = {}) =>
  queued({
    command,
    argv: ['mysql', `--password=${secret}`, 'shop'],
    env: { DB_TOKEN: secret, LANG: 'C' },
    context: `the password is ${secret}`,
    verdict,
    digest: 'digest-1',
    status: 'pending',
    ...fields,
  })

/** Everything that is in the tables, as text. */
async function allOf(it: HistoryFixture): Promise<string> {
  const tables = [
    'command_executions',
    'action_results',
    'sealed_originals',
    'audit_events',
    'execution_index',
    'command_forms',
  ] as const
  const rows = await Promise.all(
    tables.map((name) => it.memory.db.selectFrom(name).selectAll().execute()),
  )
  const search =
    it.location.backend === 'postgres'
      ? (await sql`select words::text from command_search`.execute(it.memory.db)).rows
      : []
  return JSON.stringify([rows, search])
}

describe.each(backends)('secrets on $title', ({ backend }) => {
  let place: HistoryPlace
  beforeAll(async () => {
    place = await HistoryPlace.open(backend)
  }, 60_000)
  afterAll(() => place?.[Symbol.asyncDispose]())

  test('of an action that waits are in no table and no file, and it still runs as it was cleared', async () => {
    await using it = await place.make()
    const row = waiting()
    const intake = await it.ledger.takeIn(row, [
      { kind: 'requested', data: { command } },
      { kind: 'pending', data: { digest: 'digest-1' } },
    ])
    if (intake.kind !== 'new') throw new Error('not new')
    await it.index()
    expect(await allOf(it)).not.toContain(secret)
    // the key's file and, on SQLite, the database's
    const files = readdirSync(it.dir.path).map((name) => readFileSync(join(it.dir.path, name)))
    expect(files.filter((bytes) => bytes.includes(secret))).toEqual([])
    await using again = await it.reopened()
    const [restored] = await again.ledger.inState('pending', 0)
    expect(restored).toMatchObject({
      command,
      argv: row.argv,
      env: row.env,
      context: row.context,
      verdict,
      digest: 'digest-1',
    })
    expect(await again.ledger.pendingWithDigest('digest-1')).toHaveLength(1)
    // the same request again is known, another under its id is not
    expect(
      (
        await again.ledger.takeIn(
          waiting({ action_id: row.action_id, request_hash: row.request_hash }),
          [],
        )
      ).kind,
    ).toBe('known')
    expect(
      (await again.ledger.takeIn(waiting({ action_id: row.action_id, request_hash: 'other' }), []))
        .kind,
    ).toBe('conflict')
    const id = intake.executionId
    expect(
      await again.ledger.step(id, {
        from: ['pending'],
        to: 'queued',
        where: { digest: 'digest-1' },
        at: 1,
        changes: {},
        told: { kind: 'approved' },
      }),
    ).toBe(true)
    expect(
      await again.ledger.step(id, {
        from: ['queued'],
        to: 'running',
        at: 2,
        changes: {},
        told: { kind: 'started', data: { plan: verdict.plan } },
      }),
    ).toBe(true)
    const printed = `connected with ${secret}`
    await again.ledger.recordExecution(
      id,
      {
        from: ['running'],
        to: 'completed',
        at: 3,
        changes: { success: 1, stdout_preview: printed, finished_at: 3 },
        told: { kind: 'finished', data: { said: printed } },
      },
      { subject: 's', result: () => asText({ stdout: printed, command } as ActionResult) },
    )
    await again.index()
    expect(await allOf(again)).not.toContain(secret)
    expect(await again.store.db.selectFrom('sealed_originals').selectAll().execute()).toEqual([])
    // its agent is given what its command printed
    const [item] = await again.ledger.unpublished(10)
    expect(JSON.parse(item?.result ?? '')).toEqual({ stdout: printed, command })
    await again.ledger.markPublished([id], 4)
    expect(await again.ledger.result(id)).toEqual({ stdout: printed, command })
    const [entry] = await again.history.searchCommands('mysql')
    expect(entry?.command).toMatch(/^mysql --password=\[masked:\w{8}\] shop$/)
    expect(await again.history.searchCommands(secret)).toEqual([])
  })

  test('are left out of what has ended, and equal commands still match', async () => {
    await using it = await place.make()
    const { masker } = it.secrets
    await it.ledger.takeIn(ended({ command }), [{ kind: 'finished' }])
    await it.ledger.takeIn(ended({ command }), [{ kind: 'finished' }])
    await it.ledger.takeIn(ended({ command: 'mysql --password=other shop' }), [
      { kind: 'finished' },
    ])
    await it.index()
    expect(await allOf(it)).not.toContain(secret)
    const hash = `hash of ${command}`
    expect(await it.history.getCommandStats([hash, masker.keyed(hash)])).toMatchObject({
      totalExecutions: 2,
    })
    expect(new Set((await it.history.getRecentExecutions()).map((one) => one.command)).size).toBe(2)
  })

  test('of results too long to be looked through are sealed with the whole', async () => {
    await using it = await place.make()
    const stdout = `${'x'.repeat(100_000)} ${secret}`
    await it.ledger.takeIn(ended({ command: 'cat notes' }), [{ kind: 'finished' }], {
      terminal: { subject: 's', result: () => asText({ stdout } as ActionResult) },
    })
    expect(await allOf(it)).not.toContain(secret)
    expect(await it.ledger.result(1)).toEqual({ stdout })
  })

  test('a result whose key is gone is an error that says so', async () => {
    await using it = await place.make()
    await it.ledger.takeIn(ended({ command }), [{ kind: 'finished' }], {
      terminal: { subject: 's', result: () => asText({ command } as ActionResult) },
    })
    const { rm } = await import('node:fs/promises')
    await it.close()
    await rm(join(it.dir.path, 'history.key'))
    await using again = await it.reopened()
    await expect(again.ledger.result(1)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('key'),
    })
  })
})
