import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '@centralpost/agents'
import { silentLogger } from '@centralpost/shared'
import { recoverHistory } from '#hub/start/recover-history.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const token = 'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB'

/** What says something else, or fails, when it runs again: mostly SAFE, and some that a person has cleared. */
const telling = (n: number) => (n < 16 ? 'date +%s%N' : `mkdir made-${n}`)

async function loseLedger(it: TestHub): Promise<void> {
  for (const suffix of ['', '-wal', '-shm'])
    await rm(`${it.databasePath}${suffix}`, { force: true })
}

async function askAll(agent: Agent, ids: readonly string[]) {
  const asked = await Promise.all(
    ids.map((actionId, n) => agent.requestAction({ command: telling(n), actionId })),
  )
  return Promise.all(asked.map((one) => one.result({ timeoutMs: 45_000 })))
}

const config = { execution: { sandbox: { mode: 'off' }, parallel: 8 } } as const

test('after the ledger is lost, no action whose result the broker keeps runs again: each has its old result', async () => {
  await using it = await TestHub.start({ config })
  const [agent, other] = [await it.agent(), await it.agent('agent-b')]
  const alice = await it.operator()
  const ids = Array.from({ length: 20 }, (_, n) => `once-${n}`)
  const asked = askAll(agent, ids)
  await eventually(async () => (await alice.pending()).length === 4)
  for (const { action_id: actionId } of await alice.pending()) await alice.approve(actionId)
  const before = await asked
  expect(before.every(({ status }) => status === 'completed')).toBe(true)
  const secret = await agent.requestAction({ command: `echo ${token}`, actionId: 'secret' })
  const told = await secret.result({ timeoutMs: 45_000 })
  const blocked = await other.requestAction({ command: 'rm -rf /', actionId: 'once-0' })
  expect(await blocked.result({ timeoutMs: 45_000 })).toMatchObject({ status: 'denied' })

  await it.stopHub()
  await loseLedger(it)
  const { done } = await recoverHistory({
    dataDir: it.dataDir,
    config: it.config,
    startAnew: false,
    log: silentLogger,
  })
  expect(done.join()).toMatch(/the broker still keeps \(7 days\).*Older ids.*may run again/)
  await it.startHub()
  expect(it.log.of('warn').at(-1)).toMatch(/they are now imported.*"actions":22/)
  const after = await askAll(agent, ids)
  const withoutNumber = (one: (typeof before)[number]) => ({ ...one, execution_id: null })
  expect(after.map(withoutNumber)).toEqual(before.map(withoutNumber))
  const again = await agent.requestAction({ command: `echo ${token}`, actionId: 'secret' })
  expect(await again.result({ timeoutMs: 45_000 })).toMatchObject({ stdout: told.stdout })
  expect(await alice.pending()).toEqual([])

  // an agent that has forgotten what it asked for
  const forgetful = await it.agent()
  const elsewise = await forgetful.requestAction({ command: 'echo else', actionId: 'once-1' })
  expect(await elsewise.result({ timeoutMs: 45_000 })).toMatchObject({
    reason: expect.stringContaining('was used before'),
  })
  const { entries } = await alice.history({ limit: 100 })
  expect(entries.filter((one) => one.action_id.startsWith('once-'))).toHaveLength(21)
  expect((await readFile(it.databasePath, 'latin1')).includes(token)).toBe(false)
  expect(await alice.verify()).toMatchObject({ intact: true })

  // only once: what is known is not read again
  await it.stopHub()
  const heard = it.log.of('warn').length
  await it.startHub()
  expect(JSON.stringify(it.log.of('warn').slice(heard))).not.toContain('they are now imported')
}, 120_000)

test('a ledger that was restored from an older copy learns what was done since', async () => {
  await using it = await TestHub.start({ config })
  const agent = await it.agent()
  const first = await agent.requestAction({ command: 'echo first', actionId: 'first' })
  await first.result({ timeoutMs: 45_000 })
  await it.stopHub()
  const copy = join(it.workspace, 'copy.db')
  await copyFile(it.databasePath, copy)
  await it.startHub()
  const second = await agent.requestAction({ command: 'date +%N', actionId: 'second' })
  const { stdout } = await second.result({ timeoutMs: 45_000 })
  await it.stopHub()
  await loseLedger(it)
  await copyFile(copy, it.databasePath)

  await it.startHub()
  const again = await agent.requestAction({ command: 'date +%N', actionId: 'second' })
  expect(await again.result({ timeoutMs: 45_000 })).toMatchObject({ stdout })
  const { events } = await (await it.operator()).action('second')
  expect(events.map(({ kind }) => kind)).toEqual(['taken_over'])
}, 120_000)
