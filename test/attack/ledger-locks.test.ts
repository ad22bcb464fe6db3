import { execFile } from 'node:child_process'
import { existsSync, linkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Agent, Operator } from '@centralpost/agents'
import { eventually } from '../support/eventually.ts'
import { locksOf } from '../support/file-locks.ts'
import { HubProcess } from '../support/hub-process.ts'
import { TestHub } from '../support/hub.ts'
import { TestBroker } from '../support/nats-server.ts'
import { TempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const testOnLinux = existsSync('/proc/locks') ? test : test.skip

/** What tells another process that the database is in use: without it, that one deletes the log when it ends. */
function held(dataDir: string): string[] {
  const names = ['hub.db', 'hub.db-shm', 'memory.db', 'memory.db-shm', 'hub.lock']
  return names.filter((name) => locksOf(join(dataDir, name)).length > 0)
}

/** The line of README; where there is no `sqlite3`, a program that opens the database, reads it, and closes it. */
async function backUp(from: string, to: string): Promise<void> {
  const program = `
    const Database = require('better-sqlite3')
    const file = new Database(process.argv[1])
    file.prepare('select count(*) from audit_events').get()
    file.close()`
  try {
    await run('sqlite3', [from, `.backup ${to}`])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await run(process.execPath, ['-e', program, from], { cwd: root })
  }
}

async function exported(operator: Operator): Promise<string> {
  let text = ''
  for await (const page of operator.export()) text += page
  return text
}

testOnLinux('no operation of a hub costs it a lock on its database', costsNoLock)

async function costsNoLock(): Promise<void> {
  await using it = await TestHub.start({ config: { execution: { sandbox: { mode: 'off' } } } })
  const agent = await it.agent()
  const operator = await it.operator()
  const done = await agent.requestAction('echo once')
  await done.result({ timeoutMs: 20_000 })
  // the threads of the memory open it in their own time
  await eventually(() => held(it.dataDir).length === 5)
  const all = held(it.dataDir)
  expect(all).toEqual(['hub.db', 'hub.db-shm', 'memory.db', 'memory.db-shm', 'hub.lock'])
  linkSync(it.databasePath, join(it.workspace, 'innocent.py'))
  linkSync(it.databasePath, join(it.workspace, 'pyproject.toml'))

  const lost: string[] = []
  const operations: Record<string, () => Promise<unknown>> = {
    history: () => operator.history({}),
    search: () => operator.history({ query: 'once' }),
    action: () => operator.action(done.actionId),
    result: () => operator.result(done.actionId),
    output: () => operator.output(done.actionId),
    stats: () => operator.stats(),
    overview: () => operator.overview(),
    patterns: () => operator.patterns({ mine: true }),
    proposals: () => operator.proposals(),
    violations: () => operator.violations(),
    export: () => exported(operator),
    hubs: () => operator.hubs(),
    verify: () => operator.verify(),
    'verify with a checkpoint': async () => {
      const { checkpoint } = await operator.verify()
      await operator.verify(checkpoint === null ? [] : [checkpoint])
    },
    seal: () => operator.segments({ sealBefore: new Date(Date.now() + 1000).toISOString() }),
    'verify after a seal': () => operator.verify(),
    'a script that is the database by another name': async () => {
      const action = await agent.requestAction('python3 innocent.py')
      await eventually(async () => (await operator.pending()).length === 1)
      await operator.deny(action.actionId, 'no')
    },
    'a project whose settings are the database by another name': async () => {
      const action = await agent.requestAction('pip --version')
      await eventually(async () => (await operator.result(action.actionId)).state !== 'running')
    },
    'a second hub that is refused': () => it.startHub().catch(() => {}),
    'a backup by another process': () => backUp(it.databasePath, join(it.workspace, 'copy.db')),
  }
  for (const [name, operation] of Object.entries(operations)) {
    await operation()
    if (held(it.dataDir).join() !== all.join()) lost.push(name)
  }
  expect(lost).toEqual([])
}

test('a backup after the chain was verified, more actions and kill -9: nothing is lost, nothing runs twice', async () => {
  await using workspace = await TempDir.make()
  await using broker = await TestBroker.start({ agents: ['agent-a'], operators: ['alice'] })
  const config = 'hub: { id: backed-up }\nexecution: { sandbox: { mode: "off" } }\n'
  await using hub = await HubProcess.make(broker.dataDir, workspace.path, config)
  await hub.start()
  await using agent = await Agent.connect({
    name: 'agent-a',
    credentials: await broker.credentials('agent', 'agent-a'),
  })
  await using alice = await Operator.connect({
    name: 'alice',
    credentials: await broker.credentials('operator', 'alice'),
  })
  const database = join(broker.dataDir, 'hub.db')
  const heard: string[] = []
  const ask = async (n: number): Promise<void> => {
    const action = await agent.requestAction({ command: `echo ${n}`, actionId: `backed-up-${n}` })
    await action.result({ timeoutMs: 20_000 })
    heard.push(action.actionId)
  }
  await ask(0)
  expect(await alice.verify()).toMatchObject({ intact: true })
  const log = statSync(`${database}-wal`).ino
  // the last one who closes the database deletes its log
  await backUp(database, join(workspace.path, 'last.db'))
  expect(statSync(`${database}-wal`).ino).toBe(log)
  await Promise.all(Array.from({ length: 8 }, (_, n) => ask(100_000 + n)))
  await hub.kill9()

  await hub.start()
  const known = await exported(alice)
  expect(heard.filter((id) => !known.includes(`"${id}"`))).toEqual([])
  for (const id of heard.slice(-4)) {
    const command = `echo ${id.split('-').at(-1)}`
    const again = await agent.requestAction({ command, actionId: id })
    await again.result({ timeoutMs: 20_000 })
    const { events } = await alice.action(id)
    expect(events.filter(({ kind }) => kind === 'started')).toHaveLength(1)
  }
  expect(await hub.stop()).toBe(0)
})
