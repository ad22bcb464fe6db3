import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { NewSession, Session, Sessions } from './sessions.ts'

export interface ConsoleEnv {
  readonly Variables: { readonly session: Session; readonly nonce: string }
}

/** The header with the page's half of the session. */
export const keyHeader = 'x-centralpost-key'

export interface Site {
  /** the accepted Host headers: `127.0.0.1:4280`, `localhost:4280` … */
  readonly hosts: readonly string[]
  /** whether pages are served over TLS, here or by a proxy in front */
  readonly isSecure: boolean
  readonly cookieName: string
}

/** Refuses cross-site requests and unknown Host headers (DNS rebinding). */
export function onlyOwnSite(site: Site): MiddlewareHandler<ConsoleEnv> {
  const hosts = new Set(site.hosts)
  const scheme = site.isSecure ? 'https' : 'http'
  return async (c, next) => {
    const host = c.req.header('host')
    if (host === undefined || !hosts.has(host)) {
      return refuse(c, 421, 'foreign_host', 'unknown host name for this console')
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && origin !== `${scheme}://${host}`) {
      return refuse(c, 403, 'foreign_origin', 'cross-site requests are refused')
    }
    const isChange = c.req.method !== 'GET' && c.req.method !== 'HEAD'
    if (isChange && origin === undefined) {
      return refuse(
        c,
        403,
        'foreign_origin',
        'a request that changes something must carry an Origin header',
      )
    }
    const from = c.req.header('sec-fetch-site')
    const isNavigation = c.req.header('sec-fetch-mode') === 'navigate' && !isChange
    const isOwn = from === undefined || from === 'same-origin' || from === 'none'
    if (!isOwn && !isNavigation) {
      return refuse(c, 403, 'foreign_origin', 'cross-site requests are refused')
    }
    return next()
  }
}

/**
 * Requires a session. Pages and their files need the cookie; everything else also needs the page's
 * half. Browsers send a cookie to every port of a host, so another server on this machine may have
 * seen it.
 *
 * @param isPublic the sign-in paths, which need neither
 */
export function onlySignedIn(
  site: Site,
  sessions: Sessions,
  isPublic: (path: string) => boolean,
): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    if (isPublic(c.req.path)) return next()
    const session = sessions.find(getCookie(c, site.cookieName))
    const isPage = c.req.method === 'GET' && !c.req.path.startsWith('/api/')
    if (session === undefined) {
      if (c.req.path === '/' && c.req.method === 'GET') return c.redirect('/login', 302)
      return refuse(c, 401, 'signed_out', 'sign in with a link of `centralpost console --link`')
    }
    if (!isPage && !sessions.isKeyOf(session, keyOfPage(c))) {
      return refuse(c, 401, 'signed_out', 'sign in with a link of `centralpost console --link`')
    }
    c.set('session', session)
    return next()
  }
}

export function giveCookie(c: Context, site: Site, { id, expiresAt }: NewSession): void {
  setCookie(c, site.cookieName, id, {
    httpOnly: true,
    sameSite: 'Strict',
    secure: site.isSecure,
    path: '/',
    maxAge: Math.floor((expiresAt - Date.now()) / 1000),
  })
}

export function takeCookie(c: Context, site: Site): void {
  deleteCookie(c, site.cookieName, { path: '/', secure: site.isSecure })
}

function keyOfPage(c: Context): string | undefined {
  return c.req.header(keyHeader)
}

function refuse(c: Context, status: 401 | 403 | 421, code: string, message: string): Response {
  return c.json({ error: { code, message } }, status)
}
