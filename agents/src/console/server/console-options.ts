import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { CentralPostError, messageOf } from '@centralpost/shared'

/** The requested address of the page. */
export interface ListenAddress {
  /** an address of this machine @default 127.0.0.1 */
  readonly host?: string
  /** @default the last one used on this data directory, else a free one */
  readonly port?: number
  /** the browsers' origin behind a proxy: `https://console.example` */
  readonly origin?: string
  /** PEM files; serves pages over TLS */
  readonly tlsCert?: string
  readonly tlsKey?: string
}

export interface Tls {
  readonly cert: string
  readonly key: string
}

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/

export const isLoopback = (host: string): boolean => loopback.test(host)

/**
 * Reads certificate and key, and refuses an address where others could read the traffic.
 *
 * @throws {CentralPostError} `invalid_config`
 */
export function tlsOf(place: ListenAddress): Tls | null {
  const { host = '127.0.0.1', origin, tlsCert, tlsKey } = place
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CentralPostError(
      'invalid_config',
      'a certificate needs its key and a key its certificate',
    )
  }
  if (origin !== undefined && !isOrigin(origin)) {
    throw new CentralPostError(
      'invalid_config',
      `"${origin}" is not an origin: give scheme and host, such as https://console.example`,
    )
  }
  const isSafe = tlsCert !== undefined || origin?.startsWith('https://') === true
  if (!isLoopback(host) && !isSafe) {
    throw new CentralPostError(
      'invalid_config',
      `${host} is reachable from other machines: give a certificate and its key, or the ` +
        'https origin of a proxy in front',
    )
  }
  if (tlsCert === undefined || tlsKey === undefined) return null
  return { cert: readPem(tlsCert), key: readPem(tlsKey) }
}

/** The host names that browsers may use for a server at this address. */
export function hostsOf(place: ListenAddress, port: number): string[] {
  const { host = '127.0.0.1', origin } = place
  if (origin !== undefined) return [new URL(origin).host]
  const names = isLoopback(host) ? ['127.0.0.1', 'localhost', '[::1]'] : [bracketed(host)]
  return names.map((name) => `${name}:${port}`)
}

/** The address to show to people. */
export function urlOf(place: ListenAddress, port: number, isSecure: boolean): string {
  const { host = '127.0.0.1', origin } = place
  return origin ?? `${isSecure ? 'https' : 'http'}://${bracketed(host)}:${port}`
}

const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && url.origin === text && /^https?:$/.test(url.protocol)
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CentralPostError('invalid_config', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
