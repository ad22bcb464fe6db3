import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { connect } from 'nats'
import { TestBroker } from '../../support/nats-server.ts'
import { type Ended, Program } from '../../support/program.ts'
import { TempDir } from '../../support/temp-dir.ts'

test('show --json prints exactly what a NATS client needs', async () => {
  await using dir = await TempDir.make()
  const added = await credentials('add', 'agent', 'agent-a', '--json', '--data', dir.path)

  const { code, stdout } = await credentials(
    'show',
    'agent',
    'agent-a',
    '--json',
    '--data',
    dir.path,
  )

  expect(code).toBe(0)
  expect(stdout).toBe(added.stdout)
  expect(stdout).toMatch(
    /^\{"servers":\["nats:\/\/127\.0\.0\.1:\d+"\],"user":"agent-agent-a","pass":"[\w-]{43}","inbox_prefix":"_INBOX\.agent-agent-a"\}\n$/,
  )
})

test('CENTRALPOST_DATA names the data directory, and --data comes before it', async () => {
  await using dir = await TempDir.make()
  await using other = await TempDir.make()
  const env = { ...process.env, CENTRALPOST_DATA: dir.path }
  await credentials('add', 'operator', 'alice', '--data', dir.path)

  const listed = await ended(['list', '--json'], env)

  expect(JSON.parse(listed.stdout)).toEqual([
    { kind: 'operator', name: 'alice', user: 'operator-alice' },
  ])
  expect((await ended(['show', 'operator', 'alice', '--data', other.path], env)).code).toBe(66)
})

test.each([
  [66, 'credentials add agent nobody', ['show', 'agent', 'nobody']],
  [66, "no operator 'nobody'", ['revoke', 'operator', 'nobody']],
  [64, 'letters, digits', ['add', 'agent', 'a.b']],
  [73, "the agent 'agent-a' exists already", ['add', 'agent', 'agent-a']],
])('a failure exits with %i and says %s', async (code, text, args) => {
  await using dir = await TempDir.make()
  await credentials('add', 'agent', 'agent-a', '--data', dir.path)

  const failed = await credentials(...args, '--data', dir.path)

  expect(failed).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) })
})

test('looking into a directory that is none of ours does not make it one', async () => {
  await using dir = await TempDir.make()
  const mistyped = join(dir.path, 'mistyped')

  const { code, stderr } = await credentials('list', '--data', mistyped)

  expect([code, stderr]).toEqual([66, expect.stringContaining('name one with --data')])
  await expect(access(mistyped)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('two agents added at the same moment to a running broker can both connect at once', async () => {
  await using broker = await TestBroker.start()

  const added = await Promise.all(
    ['agent-a', 'agent-b'].map((name) =>
      credentials('add', 'agent', name, '--json', '--data', broker.dataDir),
    ),
  )

  expect(added.map(({ code }) => code)).toEqual([0, 0])
  for (const { stdout } of added) await (await connect(JSON.parse(stdout) as object)).close()
})

test('an agent added while the server is being restarted is known once it is back', async () => {
  await using broker = await TestBroker.start()
  await broker.kill9()

  const { code, stdout } = await credentials(
    'add',
    'agent',
    'late',
    '--json',
    '--data',
    broker.dataDir,
  )

  expect(code).toBe(0)
  await (await connect(JSON.parse(stdout) as object)).close()
})

function credentials(...args: string[]): Promise<Ended> {
  return ended(args, process.env)
}

async function ended(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  await using program = new Program('centralpost-credentials.ts', ['credentials', ...args], env)
  return await program.ended
}
