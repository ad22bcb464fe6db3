import { isCentralPostError, type Logger, type ProblemCode, isoOf } from '@centralpost/shared'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import {
  giveCookie,
  type ConsoleEnv,
  onlyOwnSite,
  onlySignedIn,
  type Site,
  takeCookie,
} from './guard.ts'
import type { LoginLinks } from './login-links.ts'
import type { PageFiles } from './page-files.ts'
import { pageHeaders } from './page-headers.ts'
import { addRoutes } from './routes.ts'
import type { RouteParts } from './route-parts.ts'

export interface ConsoleAppParts extends RouteParts {
  readonly site: Site
  readonly links: LoginLinks
  readonly files: PageFiles
  readonly log: Logger
}

const maxBodyBytes = 512 * 1024

const statusOf: Readonly<Record<ProblemCode, 400 | 403 | 404 | 409 | 500 | 503>> = {
  invalid_request: 400,
  invalid_config: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  draining: 503,
  unavailable: 503,
  storage: 500,
  internal: 500,
}

/** The paths of signing in: the only public ones. */
const isPublic = (path: string): boolean => path === '/login' || path.startsWith('/login/')

/**
 * The console's server. Every request passes the same checks in the same order: headers, origin,
 * session. Routes added below are behind them.
 */
export function consoleApp(parts: ConsoleAppParts): {
  readonly app: Hono<ConsoleEnv>
  readonly closeStreams: () => void
} {
  const { site, sessions, links, files, log } = parts
  const app = new Hono<ConsoleEnv>()
  app.use('*', pageHeaders(site.isSecure))
  app.use('*', onlyOwnSite(site))
  app.use('*', onlySignedIn(site, sessions, isPublic))
  app.use(
    '*',
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (c) => {
        const message = `the body exceeds ${maxBodyBytes} bytes`
        return c.json({ error: { code: 'invalid_request', message } }, 413)
      },
    }),
  )

  app.get('/login', (c) => files.answer(c, '/login.html', c.get('nonce')) ?? c.notFound())
  app.post('/login', async (c) => {
    const body: unknown = await c.req.json().catch(() => null)
    const token = typeof body === 'object' && body !== null && 'token' in body ? body.token : null
    if (typeof token !== 'string' || !links.redeem(token)) {
      log.warn('a sign-in was refused')
      const message = 'this link was used already or has expired: make a new one'
      return c.json({ error: { code: 'signed_out', message } }, 401)
    }
    const session = sessions.begin()
    giveCookie(c, site, session)
    log.info('operator signed in', { operator: parts.operator.name })
    return c.json({ key: session.key, expires_at: isoOf(session.expiresAt) })
  })
  app.post('/api/logout', (c) => {
    sessions.end(c.get('session'))
    takeCookie(c, site)
    return c.json({})
  })
  const closeStreams = addRoutes(app, parts)
  app.get('/', (c) => files.answer(c, '/index.html', c.get('nonce')) ?? c.notFound())
  app.get('/*', (c) => files.answer(c, c.req.path, c.get('nonce')) ?? c.notFound())

  app.notFound((c) => c.json({ error: { code: 'not_found', message: 'not found' } }, 404))
  app.onError((error, c) => {
    if (isCentralPostError(error)) {
      return c.json({ error: error.toProblem() }, statusOf[error.code])
    }
    log.error('a request of the page failed', { path: c.req.path, error })
    const message = 'internal error of the console; see its log'
    return c.json({ error: { code: 'internal', message } }, 500)
  })
  return { app, closeStreams }
}
