import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensurePage } from '../../config/setup/page.js'
import { eventually } from '../support/eventually.ts'
import { TempDir } from '../support/temp-dir.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'agents', 'bin', 'centralpost.js')

/** `centralpost up` in a directory of its own, ended with the test. */
class Up {
  readonly #child: ReturnType<typeof spawn>
  readonly dataDir: string
  stdout = ''
  stderr = ''

  constructor(directory: string, args: readonly string[] = []) {
    this.dataDir = join(directory, 'data')
    const command = [program, 'up', '--data', this.dataDir, ...args]
    this.#child = spawn(process.execPath, command, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', NATS_URL: '' },
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
  }

  async console(): Promise<{ url: string; token: string; pid: number }> {
    await eventually(() => /Console: http/.test(this.stdout), 30_000)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, 'console', '--link', '--data', this.dataDir],
      { env: { ...process.env, NODE_OPTIONS: '' } },
    )
    const [, url = '', token = ''] = /(http:\/\/[^/]+)\/login#(\S+)/.exec(stdout) ?? []
    const place = join(this.dataDir, 'console', 'operator', 'place.json')
    const { pid } = JSON.parse(await readFile(place, 'utf8')) as { pid: number }
    return { url, token, pid }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

async function signIn(url: string, token: string): Promise<Record<string, string>> {
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { origin: url, 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  expect(answer.status).toBe(200)
  const { key } = (await answer.json()) as { key: string }
  return {
    cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    'x-centralpost-key': key,
    origin: url,
    'content-type': 'application/json',
  }
}

async function ask(url: string, headers: Record<string, string>, name: string, body: object) {
  const answer = await fetch(`${url}/api/${name}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return (await answer.json()) as Record<string, unknown>
}

describe('centralpost up', () => {
  beforeAll(() => ensurePage(root))

  test('tells no link where nobody sits at a terminal, and how to get one that signs in; the one operator confirms their own commands; a killed console comes back signed in', async () => {
    await using dir = await TempDir.make()
    await using up = new Up(dir.path)
    const { url, token, pid } = await up.console()
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const headers = await signIn(url, token)
    const asked = await ask(url, headers, 'request', { command: 'touch typed' })
    expect(asked).toMatchObject({ agent_id: 'operator-operator' })
    const outcome = await eventually(async () => {
      const { result: standing } = await ask(url, headers, 'action', asked).then((detail) => ({
        result: (detail as { execution?: { status: string } }).execution,
      }))
      return standing?.status === 'pending'
    })
    expect(outcome).toBe(true)
    const hubs = (await ask(url, headers, 'hubs', {})) as { hubs: { self_approval: boolean }[] }
    expect(hubs.hubs[0]?.self_approval).toBe(true)

    process.kill(pid, 'SIGKILL')
    await eventually(async () => {
      const { hubs: again } = (await ask(url, headers, 'hubs', {})) as { hubs: object[] }
      return again.length === 1
    }, 30_000)
    // nothing of what signs in is in a log, nor in what a journal would keep
    expect(up.stdout).not.toContain('login#')
    expect(up.stdout).toContain('console --link')
    const logs = await readFile(join(up.dataDir, 'logs', 'console.log'), 'utf8')
    expect(logs).toContain('console serves')
    expect(logs + up.stderr).not.toContain(token)
    expect(logs + up.stderr).not.toContain(headers['x-centralpost-key'])
  }, 60_000)

  test('goes on without a console that cannot start, and starts none where the settings say so', async () => {
    await using dir = await TempDir.make()
    const settings = join(dir.path, 'settings.yaml')
    await writeFile(settings, 'console: { host: 0.0.0.0 }\n')
    {
      await using up = new Up(dir.path, ['--config', settings])
      await eventually(() => up.stdout.includes('CentralPost is up'), 30_000)
      expect(up.stderr).toContain('give a certificate and its key')
      expect(up.stdout).not.toContain('Console:')
    }
    await writeFile(settings, 'console: { enabled: false }\n')
    await using up = new Up(dir.path, ['--config', settings])
    await eventually(() => up.stdout.includes('CentralPost is up'), 30_000)
    expect(up.stdout).not.toContain('Console:')
  }, 60_000)
})
