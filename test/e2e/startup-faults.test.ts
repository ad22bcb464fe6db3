import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '#hub/broker/ports.ts'
import { eventually } from '../support/eventually.ts'
import { PlainServer } from '../support/plain-server.ts'
import { TempDir } from '../support/temp-dir.ts'

const bin = fileURLToPath(new URL('../../hub/bin/centralpost-hub.js', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command of the hub to its end. */
function run(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, NODE_OPTIONS: '', ...env }, timeout: 20_000 }
    const child = execFile(process.execPath, [bin, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

describe('a hub that cannot start says what is wrong and how to go on', () => {
  test('no broker where NATS_URL points: the hub says so and waits for it, until it is ended or the broker comes', async () => {
    await using dir = await TempDir.make()
    const port = await freePort()
    const start = () => {
      const env = { ...process.env, NODE_OPTIONS: '', NATS_URL: `nats://127.0.0.1:${port}` }
      const child = spawn(process.execPath, [bin, 'hub'], { cwd: dir.path, env })
      const said = { out: '', err: '' }
      child.stdout.on('data', (text) => (said.out += String(text)))
      child.stderr.on('data', (text) => (said.err += String(text)))
      return { child, said, exit: once(child, 'exit') as Promise<[number | null]> }
    }
    const first = start()
    await eventually(() => first.said.err.includes('the broker is away; waiting for it'))
    first.child.kill('SIGTERM')
    expect((await first.exit)[0]).toBe(0)
    expect(first.said.err).not.toMatch(/^\s+at .*node:internal/m)

    const second = start()
    await eventually(() => second.said.err.includes('the broker is away; waiting for it'))
    await using server = await PlainServer.start('jetstream { store_dir: "STORE" }', { port })
    await eventually(() => second.said.out.includes(`serves on ${server.url}`))
    second.child.kill('SIGTERM')
    expect((await second.exit)[0]).toBe(0)
  })

  test('a broker without JetStream', async () => {
    await using dir = await TempDir.make()
    await using server = await PlainServer.start()
    const NATS_URL = `nats://127.0.0.1:${server.port}`
    const { code, stderr } = await run(dir.path, ['hub'], { NATS_URL })
    expect(code).toBe(69)
    expect(stderr).toMatch(/JetStream/)
  })

  test('a broker without TLS where tls:// demands it; doctor says so and names what may be set', async () => {
    await using dir = await TempDir.make()
    await using server = await PlainServer.start('jetstream { store_dir: "STORE" }')
    const NATS_URL = `tls://127.0.0.1:${server.port}`
    const { code, stderr } = await run(dir.path, ['hub'], { NATS_URL })
    expect(code).toBe(77)
    expect(stderr).toMatch(/offers no encryption.*nats:\/\//)
    const faulty = await run(dir.path, ['doctor'], { NATS_URL })
    expect(faulty.code).toBe(1)
    expect(faulty.stdout).toMatch(/✗ broker .*offers no encryption/)
    const whole = await run(dir.path, ['doctor'], { NATS_URL: `nats://127.0.0.1:${server.port}` })
    expect(whole.stdout).toMatch(
      /✓ broker .*not encrypted; JetStream works.*set: NATS_URL; not set:.*NATS_CREDS.*NATS_CA.*NATS_KEY/,
    )
  })

  test('a database that is none', async () => {
    await using dir = await TempDir.make()
    await mkdir(join(dir.path, '.centralpost'))
    await writeFile(join(dir.path, '.centralpost/hub.db'), 'no database at all '.repeat(500))
    const { code, stderr } = await run(dir.path, ['hub'])
    expect(code).toBe(74)
    expect(stderr).toMatch(/hub\.db.*not a database.*--data/)
  })

  test('a data directory that is a file', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, '.centralpost'), '')
    const { code, stderr } = await run(dir.path, ['up'])
    expect(code).toBe(74)
    expect(stderr).toContain('.centralpost')
  })

  test('a port that is taken', async () => {
    await using dir = await TempDir.make()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await writeFile(join(dir.path, 'own.yaml'), `broker: { port: ${port} }\n`)
    const { code, stderr } = await run(dir.path, ['up', '--config', 'own.yaml'])
    other.close()
    expect(code).toBe(73)
    expect(stderr).toContain(String(port))
  })

  test.each([
    ['a key that does not exist', 'executoin: {}\n', /executoin/],
    ['a value out of range', 'approvals: { pending: 0 }\n', /pending/],
    ['text that is no YAML', 'hub: [unclosed\n', /own\.yaml:\d+/],
  ])('settings with %s', async (_what, text, pattern) => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'own.yaml'), text)
    const { code, stderr } = await run(dir.path, ['check', '--config', 'own.yaml'])
    expect(code).toBe(78)
    expect(stderr).toMatch(pattern)
    expect(stderr).toContain('own.yaml')
  })

  test('rules with a pattern that is none: the line and the pattern are named', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'own.yaml'), 'trust: { rules: rules.yaml }\n')
    await writeFile(
      join(dir.path, 'rules.yaml'),
      "safe:\n  - '^ls$'\n  - '^cat ('\nreview: []\nblocked: []\n",
    )
    const { code, stderr } = await run(dir.path, ['check', '--config', 'own.yaml'])
    expect(code).toBe(78)
    expect(stderr).toMatch(/rules\.yaml:3/)
    expect(stderr).toContain('^cat (')
  })

  test('rules that are named but not there', async () => {
    await using dir = await TempDir.make()
    await writeFile(join(dir.path, 'own.yaml'), 'trust: { rules: none.yaml }\n')
    const { code, stderr } = await run(dir.path, ['check', '--config', 'own.yaml'])
    expect(code).toBe(78)
    expect(stderr).toContain('none.yaml')
  })
})
