import { randomBytes } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { ConsoleEnv } from './guard.ts'

/**
 * Headers of every answer. Scripts and styles come from this server's files only. One exception:
 * the terminal creates style elements, which carry the page's nonce.
 */
export function pageHeaders(isSecure: boolean): MiddlewareHandler<ConsoleEnv> {
  return async (c, next) => {
    const nonce = randomBytes(16).toString('base64')
    c.set('nonce', nonce)
    await next()
    const headers: Readonly<Record<string, string>> = {
      'content-security-policy': [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${nonce}'`,
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ].join('; '),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
      ...(isSecure && { 'strict-transport-security': 'max-age=31536000' }),
    }
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  }
}
