import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Hub } from '@centralpost/hub'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'
import { SmallDisk } from '../support/small-disk.ts'

const disk = SmallDisk.mount(24)
afterAll(() => disk?.[Symbol.dispose]())
const testOnDisk = disk === null ? test.skip : test

testOnDisk(
  "the hub's disk fills up while commands run and others are asked for: none is lost, none runs twice",
  () => fillsUp(disk?.path ?? ''),
  60_000,
)

async function fillsUp(dataDir: string): Promise<void> {
  await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
  await it.stopHub()
  // the same ledger: a broker works with one
  const broker = join(it.dataDir, 'broker')
  await cp(it.dataDir, dataDir, { recursive: true, filter: (path) => !path.startsWith(broker) })
  await using hub = await Hub.start({
    config: it.config,
    dataDir,
    credentials: {
      hub: await it.broker.credentials('hub'),
      endpoints: await it.broker.credentials('hub-endpoints'),
    },
    log: it.log,
  })
  const agent = await it.agent()
  const alice = await it.operator()
  const marked = await agent.requestAction('echo once >> marks; sleep 1')
  await eventually(async () => (await alice.pending()).length === 1)
  await alice.approve(marked.actionId)
  await eventually(() => readFile(join(it.workspace, 'marks'), 'utf8'))

  const full = writeFile(join(dataDir, 'ballast'), Buffer.alloc(32 * 1024 * 1024))
  await expect(full).rejects.toThrow('ENOSPC')
  const asked = await Promise.all(Array.from({ length: 8 }, () => agent.requestAction('sleep 0.2')))
  await delay(2500)
  const complaints = it.log.of('error').map((one) => JSON.stringify(one))
  expect(complaints.join('\n')).toContain('database or disk is full')
  await rm(join(dataDir, 'ballast'))

  expect(await marked.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'completed' })
  for (const one of asked) {
    expect(await one.result({ timeoutMs: 20_000 })).toMatchObject({ status: 'completed' })
  }
  expect(await readFile(join(it.workspace, 'marks'), 'utf8')).toBe('once\n')
  expect(await alice.verify()).toMatchObject({ intact: true })
  await hub.stop()
}
