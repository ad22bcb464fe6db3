import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { TempDir } from '../../support/temp-dir.ts'
import { TestBroker } from '../../support/nats-server.ts'
import { cli } from './run-cli.ts'

let broker: TestBroker

beforeAll(async () => {
  broker = await TestBroker.start({ agents: ['lone'], operators: ['alice'] })
})

afterAll(async () => {
  await broker.stop()
})

describe('centralpost', () => {
  test('--help names every command, with exit codes', async () => {
    const { code, stdout } = await cli(['--help'])
    expect(code).toBe(0)
    const commands =
      'up hub broker console demo request agent pending approve deny cancel proposals notify result tail history patterns classify rules check credentials broker-config setup doctor recover completion'
    const listed = [...stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name)
    expect(listed).toEqual([...commands.split(' '), 'help'])
    expect(stdout).toContain('Exit codes:')
  })

  test.each([
    ['an unknown command', ['aprove']],
    ['an unknown option', ['pending', '--jsno']],
    ['a missing argument', ['result']],
    ['a missing option', ['deny', 'x']],
    ['a value that is none', ['request', '--timeout', 'soon', '--', 'ls']],
    ['a variable without a value', ['request', '--env', 'X', '--', 'ls']],
    ['a bad agent name', ['request', '--agent', 'a.b', '--', 'ls']],
  ])('ends with 64 and a hint for %s', async (_, args) => {
    const { code, stdout, stderr } = await cli(args)
    expect(stderr).not.toBe('')
    expect(stdout).toBe('')
    expect(code).toBe(64)
  })

  test('a mistake in a command points at its own help', async () => {
    const { stderr } = await cli(['rules', 'list', '--jsno'])
    expect(stderr).toContain('(see centralpost rules list --help)')
  })

  test('says how to start a hub where none answers', async () => {
    const args = ['pending', '--as', 'alice', '--data', broker.dataDir]
    const { code, stderr } = await cli(args)
    expect(stderr).toContain(`no hub answers at ${broker.url.replace('nats://', '')}`)
    expect(stderr).toContain(`centralpost up --data ${broker.dataDir}`)
    expect(code).toBe(69)
  })

  test('says how to start one where not even a broker answers', async () => {
    await using data = await TempDir.make()
    const operators = join(data.path, 'credentials', 'operators')
    await mkdir(operators, { recursive: true })
    await writeFile(join(operators, 'operator.json'), '{"servers":["nats://127.0.0.1:1"]}')
    const { code, stderr } = await cli(['pending', '--data', data.path])
    expect(stderr).toContain('nats://127.0.0.1:1')
    expect(stderr).toContain(`centralpost up --data ${data.path}`)
    expect(code).toBe(69)
  })

  test('does not offer to start a broker that is somebody else’s', async () => {
    const { code, stderr } = await cli(['pending'], { env: { NATS_URL: 'nats://127.0.0.1:1' } })
    expect(stderr).toContain('nats://127.0.0.1:1')
    expect(stderr).toContain('unset NATS_URL')
    expect(stderr).not.toContain('centralpost up')
    expect(code).toBe(69)
  })

  test('says how to add credentials that are missing', async () => {
    await using started = await TempDir.make()
    await mkdir(join(started.path, '.centralpost'))
    const { code, stderr } = await cli(['pending', '--as', 'carol'], { cwd: started.path })
    expect(stderr).toContain('centralpost credentials add operator carol')
    expect(code).toBe(66)
  })

  test('lets the hub do what is the hub’s: arguments, output and exit code are its own', async () => {
    const listed = await cli(['credentials', 'list', '--json', '--data', broker.dataDir])
    expect(JSON.parse(listed.stdout)).toContainEqual(
      expect.objectContaining({ kind: 'agent', name: 'lone' }),
    )
    expect(listed.code).toBe(0)
    const missing = ['credentials', 'show', 'agent', 'nobody', '--data', broker.dataDir]
    expect((await cli(missing)).code).toBe(66)
    expect((await cli(['help', 'credentials'])).stdout).toContain('revoke')
    const judged = await cli(['classify', '--jsonl'], { input: '{"command":"ls; rm -rf /"}\n' })
    expect(JSON.parse(judged.stdout)).toMatchObject({ command: 'ls; rm -rf /', level: 'BLOCKED' })
    expect((await cli(['rules', 'lint'])).code).toBe(0)
  })

  // an old one, where the machine has it, hands over to the one that npm brought
  const oldNode = ['/usr/bin/node', '/usr/local/bin/node'].filter((path) => existsSync(path))
  test.each([...oldNode, process.execPath])(
    'runs under the Node that starts it: %s',
    async (node) => {
      const help = await cli(['--help'], { node })
      expect(help.stdout).toContain('Exit codes:')
      expect(help.code).toBe(0)
      expect((await cli(['aprove'], { node })).code).toBe(64)
    },
  )
})
