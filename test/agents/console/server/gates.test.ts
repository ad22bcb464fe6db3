import { execFileSync, spawnSync } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { request as requestOverTls } from 'node:https'
import { join } from 'node:path'
import type { Console } from '#agents/console/server/console.ts'
import { linkForRunning } from '#agents/console/server/console.ts'
import { startConsole } from '../../../support/console.ts'
import { eventually } from '../../../support/eventually.ts'
import { TestHub } from '../../../support/hub.ts'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Asks as anything may ask: with any headers, which `fetch` would not allow. */
function ask(
  console: Console,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const { hostname, port } = new URL(console.url)
  const options = { hostname, port, method, path, headers, agent: false as const }
  const asked = request(options, (answer) => {
    // a stream of events does not end
    if (answer.headers['content-type']?.includes('ndjson')) {
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: '' })
      asked.destroy()
      return
    }
    let text = ''
    answer.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    answer.on('end', () =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
    )
  })
  asked.on('error', reject)
  asked.end(body)
  return promise
}

const tokenOf = (link: string): string => new URL(link).hash.slice(1)

async function signIn(console: Console): Promise<{ cookie: string; key: string }> {
  const answer = await ask(
    console,
    'POST',
    '/login',
    { origin: console.url, 'content-type': 'application/json' },
    JSON.stringify({ token: tokenOf(console.newLoginLink()) }),
  )
  expect(answer.status).toBe(200)
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  return {
    cookie: cookie.split(';')[0] ?? '',
    key: (JSON.parse(answer.body) as { key: string }).key,
  }
}

/** Every route that the server really has, with a path that fits it. */
function routesOf(console: Console): { method: string; path: string }[] {
  const routes = console.app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({
      method,
      path: path.replaceAll(/:\w+/g, 'x').replace('*', 'index.html'),
    }))
  expect(routes.length).toBeGreaterThan(20)
  return routes
}

const signingIn = new Set(['/login'])

describe('the gates of the console', () => {
  let it: TestHub
  let console: Console
  let session: { cookie: string; key: string }

  beforeAll(async () => {
    it = await TestHub.start({ agents: ['agent-a', 'operator-alice'] })
    console = await startConsole(it)
    session = await signIn(console)
  })
  afterAll(async () => {
    await console.stop()
    await it[Symbol.asyncDispose]()
  })

  const signedIn = (): Record<string, string> => ({
    cookie: session.cookie,
    'x-centralpost-key': session.key,
    origin: console.url,
  })

  test('every route but signing in refuses who has no session', async () => {
    for (const { method, path } of routesOf(console)) {
      const answer = await ask(
        console,
        method,
        path,
        { origin: console.url },
        method === 'POST' ? '{}' : undefined,
      )
      const isRefused =
        answer.status === 401 || (answer.status === 302 && answer.headers['location'] === '/login')
      const isSigningIn = signingIn.has(path)
      expect({ method, path, isRefused: isRefused || (isSigningIn && method === 'GET') }).toEqual({
        method,
        path,
        isRefused: true,
      })
    }
  })

  test('every route refuses a foreign Origin, also with a session', async () => {
    const foreign = [
      'https://evil.example',
      'null',
      'http://127.0.0.1:1',
      console.url.replace('http:', 'https:'),
    ]
    for (const { method, path } of routesOf(console)) {
      for (const origin of foreign) {
        const answer = await ask(
          console,
          method,
          path,
          { ...signedIn(), origin },
          method === 'POST' ? '{}' : undefined,
        )
        expect({ method, path, origin, status: answer.status }).toEqual({
          method,
          path,
          origin,
          status: 403,
        })
      }
    }
  })

  test('every route refuses a foreign Host, as a name that was bound anew to this machine says it', async () => {
    const { port } = new URL(console.url)
    for (const { method, path } of routesOf(console)) {
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1',
        `127.0.0.1.evil.example:${port}`,
      ]) {
        const headers = { ...signedIn(), host, origin: `http://${host}` }
        const answer = await ask(
          console,
          method,
          path,
          headers,
          method === 'POST' ? '{}' : undefined,
        )
        expect({ method, path, host, status: answer.status }).toEqual({
          method,
          path,
          host,
          status: 421,
        })
      }
    }
  })

  test('a change without an Origin, or from another site, is refused', async () => {
    for (const { method, path } of routesOf(console).filter((route) => route.method !== 'GET')) {
      const { origin: _, ...without } = signedIn()
      expect((await ask(console, method, path, without, '{}')).status).toBe(403)
      const headers = { ...signedIn(), 'sec-fetch-site': 'same-site' }
      expect((await ask(console, method, path, headers, '{}')).status).toBe(403)
    }
  })

  test('the cookie alone, which other ports of the host see as well, opens no route of the API', async () => {
    for (const { method, path } of routesOf(console).filter((route) =>
      route.path.startsWith('/api/'),
    )) {
      const { 'x-centralpost-key': _, ...half } = signedIn()
      expect(
        (await ask(console, method, path, half, method === 'POST' ? '{}' : undefined)).status,
      ).toBe(401)
      const wrong = { ...half, 'x-centralpost-key': 'x'.repeat(43) }
      expect(
        (await ask(console, method, path, wrong, method === 'POST' ? '{}' : undefined)).status,
      ).toBe(401)
    }
  })

  test('with both halves, from its own site, the same routes answer', async () => {
    expect((await ask(console, 'POST', '/api/hubs', signedIn(), '{}')).status).toBe(200)
    expect((await ask(console, 'GET', '/api/events', signedIn())).status).toBe(200)
    expect((await ask(console, 'GET', '/', { cookie: session.cookie })).body).toContain(
      '<div id="page">',
    )
  })

  test('a link signs in once; of two who use it at the same time one does', async () => {
    const token = tokenOf(console.newLoginLink())
    const use = (): Promise<Answer> =>
      ask(console, 'POST', '/login', { origin: console.url }, JSON.stringify({ token }))
    const statuses = (await Promise.all([use(), use(), use()])).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 401, 401])
    expect((await use()).status).toBe(401)
    for (const wrong of ['', 'x', '../sessions', null, 7]) {
      const body = JSON.stringify({ token: wrong })
      expect((await ask(console, 'POST', '/login', { origin: console.url }, body)).status).toBe(401)
    }
  })

  test('the cookie is for this server only, and no script reads it', async () => {
    const body = JSON.stringify({ token: tokenOf(console.newLoginLink()) })
    const answer = await ask(console, 'POST', '/login', { origin: console.url }, body)
    const [cookie] = answer.headers['set-cookie'] ?? []
    expect(cookie).toMatch(/HttpOnly/i)
    expect(cookie).toMatch(/SameSite=Strict/i)
    expect(cookie).not.toMatch(/Domain=/i)
  })

  test('pages are told to load and to run nothing from elsewhere', async () => {
    for (const path of ['/login', '/', '/assets/none', '/api/none']) {
      const { headers } = await ask(console, 'GET', path, signedIn())
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'; script-src 'self';")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
      })
    }
  })

  test('no page and no file of it holds credentials, keys or tokens', async () => {
    const { user, pass } = await it.broker.credentials('operator', 'alice')
    const { body } = await ask(console, 'GET', '/', { cookie: session.cookie })
    const paths = [...body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(paths.length).toBeGreaterThan(2)
    const texts = await Promise.all(
      paths.map(async (path) => (await ask(console, 'GET', path, { cookie: session.cookie })).body),
    )
    for (const text of [body, ...texts]) {
      for (const secret of [pass, user, session.key, session.cookie.split('=')[1] ?? '']) {
        expect(text.includes(secret)).toBe(false)
      }
    }
  })

  test('nothing outside the built page can be asked for', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/assets/../../../package.json',
      '/.built-from',
    ]) {
      expect((await ask(console, 'GET', path, signedIn())).status).toBe(404)
    }
  })

  test('bad calls are answered with what is wrong with them', async () => {
    const wrong: readonly (readonly [string, string])[] = [
      ['/api/approve', '{}'],
      ['/api/approve', 'not json'],
      ['/api/approve', '{"actions":[{"action_id":"a","agent_id":"b"}]}'],
      ['/api/deny', '{"actions":[{"action_id":"a","agent_id":"b"}],"reason":" "}'],
      ['/api/request', '{"command":""}'],
      ['/api/downloads', '{"kind":"file","path":"/etc/passwd"}'],
    ]
    for (const [path, body] of wrong) {
      const answer = await ask(console, 'POST', path, signedIn(), body)
      expect({ path, status: answer.status }).toEqual({ path, status: 400 })
      expect(JSON.parse(answer.body)).toMatchObject({ error: { code: 'invalid_request' } })
    }
    const long = JSON.stringify({ command: 'x'.repeat(600_000) })
    expect((await ask(console, 'POST', '/api/classify', signedIn(), long)).status).toBe(413)
  })

  test('signing out ends the session at once', async () => {
    const other = await signIn(console)
    const headers = { cookie: other.cookie, 'x-centralpost-key': other.key, origin: console.url }
    expect((await ask(console, 'POST', '/api/hubs', headers, '{}')).status).toBe(200)
    expect((await ask(console, 'POST', '/api/logout', headers, '{}')).status).toBe(200)
    expect((await ask(console, 'POST', '/api/hubs', headers, '{}')).status).toBe(401)
  })
})

describe('sessions', () => {
  test('outlive the console’s process, end by themselves, and are kept where only the owner reads', async () => {
    await using it = await TestHub.start()
    const dataDir = join(it.dataDir, 'test-console')
    let console = await startConsole(it, 'alice')
    const { cookie, key } = await signIn(console)
    const link = linkForRunning({ name: 'alice', dataDir, env: {} })
    await console.stop()
    expect(() => linkForRunning({ name: 'alice', dataDir, env: {} })).toThrow(/no console/)
    console = await startConsole(it, 'alice')
    await using _ = console
    expect(link.startsWith(console.url)).toBe(true)
    const headers = { cookie, 'x-centralpost-key': key, origin: console.url }
    expect((await ask(console, 'POST', '/api/hubs', headers, '{}')).status).toBe(200)
    const folder = join(dataDir, 'console', 'alice')
    expect((await stat(join(folder, 'sessions.json'))).mode & 0o077).toBe(0)
    expect((await stat(folder)).mode & 0o077).toBe(0)
    await console.stop()
    await using short = await startConsole(it, 'alice', { sessionMs: 500 })
    const other = await signIn(short)
    const ended = { cookie: other.cookie, 'x-centralpost-key': other.key, origin: short.url }
    await eventually(
      async () => (await ask(short, 'POST', '/api/hubs', ended, '{}')).status === 401,
    )
    expect((await ask(short, 'POST', '/api/hubs', headers, '{}')).status).toBe(200)
  })
})

describe('where the console listens', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1'])('%s is refused without a certificate', async (host) => {
    await using it = await TestHub.start()
    await expect(startConsole(it, 'alice', { place: { host } })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('certificate'),
    })
  })

  test('behind a proxy it answers to that name, and sends the cookie over TLS only', async () => {
    await using it = await TestHub.start()
    await using console = await startConsole(it, 'alice', {
      place: { origin: 'https://console.example' },
    })
    expect(console.url).toBe('https://console.example')
    expect(console.newLoginLink()).toMatch(/^https:\/\/console\.example\/login#/)
  })
})

const withOpenssl = spawnSync('openssl', ['version']).status === 0 ? describe : describe.skip

withOpenssl('a certificate', () => {
  test('with a certificate it serves over TLS, and the cookie goes over nothing else', async () => {
    await using it = await TestHub.start()
    const [cert, key] = [join(it.workspace, 'cert.pem'), join(it.workspace, 'key.pem')]
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
    ]
    const subject = ['-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
    execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' })
    await using console = await startConsole(it, 'alice', {
      place: { host: '127.0.0.1', tlsCert: cert, tlsKey: key },
    })
    expect(console.url).toMatch(/^https:/)
    const { promise, resolve, reject } = Promise.withResolvers<string[]>()
    const { hostname, port } = new URL(console.url)
    const asked = requestOverTls(
      {
        hostname,
        port,
        method: 'POST',
        path: '/login',
        headers: { origin: console.url },
        rejectUnauthorized: false,
        agent: false,
      },
      (answer) => resolve(answer.resume().headers['set-cookie'] ?? []),
    )
    asked.on('error', reject)
    asked.end(JSON.stringify({ token: tokenOf(console.newLoginLink()) }))
    expect((await promise)[0]).toMatch(/^__Host-.*; Secure/)
    await expect(startConsole(it, 'alice', { place: { tlsCert: cert } })).rejects.toMatchObject({
      code: 'invalid_config',
    })
  })
})
