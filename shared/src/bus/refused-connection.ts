import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { NatsError } from 'nats'
import { messageOf } from '../message-of.ts'
import { CentralPostError } from '../problem.ts'
import { busError } from './bus-error.ts'
import { type BusTls, readServer } from './bus-tls.ts'
import type { BusCredentials } from './credentials.ts'

const patienceMs = 2000

/**
 * Explains a failed connect, with a way out. When the client reports only a timeout, probes the
 * broker as far as its certificate, without sending credentials.
 *
 * @param error the client's error
 */
export async function refusedConnection(
  error: unknown,
  credentials: BusCredentials,
  tls: BusTls | undefined,
): Promise<CentralPostError> {
  const doing = `connecting to ${credentials.servers.join(', ')}`
  const known = error instanceof NatsError ? error.code : undefined
  if (known === 'AUTHORIZATION_VIOLATION' || known === 'AUTHENTICATION_EXPIRED') {
    return new CentralPostError('forbidden', `${doing}: ${refusedIdentity(credentials)}`, {
      cause: error,
    })
  }
  const faults = [error]
  if (wayOut(error, credentials) === undefined && known !== 'CONNECTION_REFUSED') {
    for (const server of credentials.servers) faults.push(await faultOfHandshake(server, tls))
  }
  for (const fault of faults) {
    const text = wayOut(fault, credentials)
    if (text !== undefined) {
      return new CentralPostError('forbidden', `${doing}: ${text}`, { cause: fault })
    }
  }
  return busError(error, doing)
}

function refusedIdentity({ user, token, creds, cert }: BusCredentials): string {
  const which =
    creds !== undefined
      ? `the credentials in ${creds} (NATS_CREDS)`
      : token !== undefined
        ? 'this token (NATS_TOKEN, or before the @ of NATS_URL)'
        : user !== undefined
          ? `the user "${user}" with this password (NATS_USER, NATS_PASSWORD)`
          : cert !== undefined
            ? `the client certificate ${cert} (NATS_CERT)`
            : null
  return which === null
    ? 'the broker demands credentials: set NATS_USER and NATS_PASSWORD, NATS_TOKEN, or NATS_CREDS'
    : `the broker refused ${which}`
}

/** Explains a TLS error to the administrator; undefined for any other error. */
function wayOut(fault: unknown, { cert, ca }: BusCredentials): string | undefined {
  const code = codeOf(fault)
  if (code === 'SERVER_OPT_NA') {
    return (
      'this broker offers no encryption, so nothing was sent to it; set up TLS there, or ' +
      'write nats:// (without NATS_CA and NATS_CERT) to connect in clear'
    )
  }
  if (/^(SELF_SIGNED_CERT|DEPTH_ZERO|UNABLE_TO_(GET_ISSUER|VERIFY))/.test(code)) {
    return ca === undefined
      ? "the broker's certificate is signed by an unknown CA; name the CA's file in NATS_CA"
      : `no CA in ${ca} (NATS_CA) has signed the broker's certificate`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the broker's certificate is for another name: ${messageOf(fault)}`
  }
  if (code.startsWith('CERT_')) return `the broker's certificate is refused: ${messageOf(fault)}`
  if (/ALERT_(CERTIFICATE|BAD_CERT|UNKNOWN_CA|HANDSHAKE)|ALERT_NUMBER_116/.test(code)) {
    return cert === undefined
      ? 'the broker demands a client certificate; set NATS_CERT and NATS_KEY to its files'
      : `the broker refused the client certificate ${cert} (NATS_CERT)`
  }
  if (/^ERR_(SSL|OSSL)|^TLS$|^EPROTO$/.test(code)) {
    return `the encrypted connection failed: ${messageOf(fault)}`
  }
  return undefined
}

function codeOf(fault: unknown): string {
  const code = (fault as { code?: unknown } | null | undefined)?.code
  const cause = fault instanceof NatsError ? codeOf(fault.chainedError) : ''
  return cause !== '' ? cause : typeof code === 'string' ? code : ''
}

/**
 * Completes the TLS handshake and waits for the broker's verdict on the client certificate, which
 * follows it.
 */
async function faultOfHandshake(server: string, tls: BusTls | undefined): Promise<unknown> {
  const { connect: startTls } = await import('node:tls')
  const { hostname, port } = readServer(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = dial({ host, port: Number(port || 4222) })
  const signal = AbortSignal.timeout(patienceMs)
  try {
    if (!/"tls_(required|available)": ?true/.test(await greeting(socket, signal))) return undefined
    const name = tls?.host === host ? {} : { servername: host }
    const secure = startTls({ ...tls, ...name, socket })
    try {
      await once(secure, 'secureConnect', { signal })
      await once(secure, 'data', { signal })
    } finally {
      secure.destroy()
    }
  } catch (error) {
    return error
  } finally {
    socket.destroy()
  }
  return undefined
}

async function greeting(socket: Socket, signal: AbortSignal): Promise<string> {
  let text = ''
  while (!text.includes('\r\n')) {
    const [chunk] = (await once(socket, 'data', { signal })) as [Buffer]
    text += chunk.toString('latin1')
  }
  return text
}
