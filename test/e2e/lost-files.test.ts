import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { silentLogger } from '@centralpost/shared'
import { recoverHistory } from '#hub/start/recover-history.ts'
import { eventually } from '../support/eventually.ts'
import { TestHub } from '../support/hub.ts'

const run = promisify(execFile)
const bin = fileURLToPath(new URL('../../hub/bin/centralpost-hub.js', import.meta.url))
const token = 'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB'

async function recover({ dataDir, config }: TestHub): Promise<readonly string[]> {
  const options = { dataDir, config, startAnew: false, log: silentLogger }
  return (await recoverHistory(options)).done
}

async function done(it: TestHub, command: string): Promise<string> {
  const agent = await it.agent()
  const action = await agent.requestAction(command)
  expect(await action.result({ timeoutMs: 45_000 })).toMatchObject({ status: 'completed' })
  return action.actionId
}

describe('a hub whose database is lost', () => {
  test.each([
    ['gone', async (path: string) => rm(path)],
    ['empty', async (path: string) => truncate(path)],
    ['no database', async (path: string) => writeFile(path, 'no database at all '.repeat(500))],
  ])(
    'because it is %s says what is lost, begins none in silence, and goes on by one command',
    async (_how, lose) => {
      await using it = await TestHub.start()
      const before = await done(it, 'echo before')
      await it.stopHub()
      for (const name of ['hub.db-wal', 'hub.db-shm'])
        await rm(join(it.dataDir, name), { force: true })
      await lose(it.databasePath)

      await expect(it.startHub()).rejects.toMatchObject({
        code: 'storage',
        message: expect.stringMatching(/hub\.db.*centralpost recover --data/),
      })
      // not only the first time
      await expect(it.startHub()).rejects.toMatchObject({ code: 'storage' })
      const { stdout } = await run(process.execPath, [bin, 'recover', '--data', it.dataDir], {
        cwd: it.workspace,
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      expect(stdout).toContain('started a new ledger')
      await it.startHub()
      const after = await done(it, 'echo after')
      const operator = await it.operator()
      const { entries } = await operator.history({})
      // the broker still had the earlier one's result
      expect(entries.map((one) => one.action_id)).toEqual([after, before])
      expect(await operator.verify()).toMatchObject({ intact: true })
      const [aside] = readdirSync(it.dataDir).filter((name) => name.startsWith('lost-'))
      expect(readdirSync(join(it.dataDir, aside ?? ''))).toContain('memory.db')
      await it.stopHub()
      expect(await recover(it)).toEqual([])
    },
  )
})

test('a memory that is broken is made again from the ledger', async () => {
  await using it = await TestHub.start()
  const before = await done(it, 'echo before')
  await it.stopHub()
  for (const name of ['memory.db-wal', 'memory.db-shm']) {
    await rm(join(it.dataDir, name), { force: true })
  }
  await writeFile(join(it.dataDir, 'memory.db'), 'no database at all '.repeat(500))
  await it.startHub()
  const operator = await it.operator()
  const { entries } = await operator.history({ query: 'before' })
  expect(entries.map((one) => one.action_id)).toEqual([before])
  expect(JSON.stringify(it.log.of('error'))).toContain('memory.db is broken')
})

test.each([
  ['gone', (path: string) => rm(path)],
  ['another one', (path: string) => writeFile(path, `${'0a'.repeat(32)}\n`)],
])('a key that is %s ends what only it opens, when a person says so', async (_how, lose) => {
  await using it = await TestHub.start()
  const agent = await it.agent()
  const operator = await it.operator()
  const waiting = await agent.requestAction(`deploy --token ${token}`)
  await eventually(async () => (await operator.pending()).length === 1)
  const told = await done(it, `echo ${token}`)
  const plain = await done(it, 'echo plain')
  await it.stopHub()
  await lose(join(it.dataDir, 'history.key'))

  await expect(it.startHub()).rejects.toMatchObject({
    code: 'storage',
    message: expect.stringMatching(/history\.key .*1 waiting.*centralpost recover --data/),
  })
  expect(await recover(it)).toEqual([expect.stringContaining('1 action(s) ended')])
  await it.startHub()
  expect(await waiting.result({ timeoutMs: 20_000 })).toMatchObject({
    status: 'cancelled',
    reason: expect.stringContaining('a lost key'),
  })
  expect((await operator.result(plain)).result).toMatchObject({ stdout: 'plain\n' })
  expect((await operator.result(told)).result).toMatchObject({
    status: 'completed',
    reason: expect.stringContaining('a lost key'),
  })
  expect(await operator.verify()).toMatchObject({ intact: true })
})
