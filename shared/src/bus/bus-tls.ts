import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { ConnectionOptions, PeerCertificate } from 'node:tls'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'
import type { BusCredentials } from './credentials.ts'

/** Options that the client passes to Node for every connection. */
export type BusTls = Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'host'> & {
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined
}

const schemes = ['nats:', 'tls:']

/**
 * The TLS options of a connection. The client ignores schemes: `tls://` alone would not stop it
 * from sending a password in clear to a broker without TLS. With these options it sends nothing
 * before the broker has proved its identity.
 *
 * @returns undefined when neither a server's `tls://` nor a certificate demands encryption
 * @throws {CentralPostError} `invalid_config` for another scheme, or for half a client certificate;
 *   `not_found` for a file
 */
export async function busTls(credentials: BusCredentials): Promise<BusTls | undefined> {
  const urls = credentials.servers.map(readServer)
  const { ca, cert, key } = credentials
  if ((cert === undefined) !== (key === undefined)) {
    throw new CentralPostError(
      'invalid_config',
      cert === undefined
        ? `the key ${key} has no certificate: set NATS_CERT`
        : `the certificate ${cert} has no key: set NATS_KEY`,
    )
  }
  const isDemanded = urls.some(({ protocol }) => protocol === 'tls:')
  if (!isDemanded && (ca ?? cert) === undefined) return undefined
  const addresses = urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, '')).filter(isIP)
  const [host] = addresses
  // loaded here: it costs a process that does not encrypt as much as the client itself
  const { checkServerIdentity } = await import('node:tls')
  return {
    ...(host !== undefined && { host }),
    ...(ca !== undefined && { ca: await read(ca, 'NATS_CA') }),
    ...(cert !== undefined && { cert: await read(cert, 'NATS_CERT') }),
    ...(key !== undefined && { key: await read(key, 'NATS_KEY') }),
    // for a server named by its address, the client passes no host name to Node: any of these
    // addresses is valid
    checkServerIdentity: (name, certificate) => {
      const faults = (name === host ? addresses : [name]).map((meant) =>
        checkServerIdentity(meant, certificate),
      )
      return faults.includes(undefined) ? undefined : faults[0]
    },
  }
}

/**
 * Parses the address of one broker.
 *
 * @throws {CentralPostError} `invalid_config` when it is invalid, or of another kind
 */
export function readServer(server: string): URL {
  const text = server.includes('://') ? server : `nats://${server}`
  const url = URL.parse(text)
  const isWhole = url !== null && url.hostname !== '' && ['', '/'].includes(url.pathname)
  if (!isWhole || !schemes.includes(url.protocol)) {
    throw new CentralPostError(
      'invalid_config',
      `"${server}" is not a broker address: write nats://HOST:PORT, or tls://HOST:PORT for an encrypted connection`,
    )
  }
  return url
}

async function read(path: string, variable: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new CentralPostError(
      'not_found',
      `cannot read ${path}, named by ${variable}: ${messageOf(error)}`,
      { cause: error },
    )
  }
}
