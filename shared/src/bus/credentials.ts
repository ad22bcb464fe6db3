import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { check } from '../codec.ts'
import { messageOf } from '../message-of.ts'
import { CentralPostError, isCentralPostError } from '../problem.ts'

/** What any NATS client needs to be somebody on the bus; the form `centralpost credentials show --json` prints. */
export const busCredentialsSchema = z.object({
  servers: z.array(z.string().min(1)).min(1),
  user: z.string().optional(),
  pass: z.string().optional(),
  token: z.string().optional(),
  creds: z.string().optional().describe('path of a .creds file, for brokers that use JWT'),
  inbox_prefix: z.string().optional(),
})
export type BusCredentials = z.infer<typeof busCredentialsSchema>

/**
 * Reads a credentials file.
 *
 * @throws {CentralPostError} `not_found` when there is none, `invalid_request` when it is not one
 */
export async function readCredentials(path: string): Promise<BusCredentials> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const isMissing = Error.isError(error) && 'code' in error && error.code === 'ENOENT'
    throw new CentralPostError(
      isMissing ? 'not_found' : 'storage',
      isMissing ? `no credentials at ${path}` : `cannot read ${path}: ${messageOf(error)}`,
      { cause: error },
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CentralPostError('invalid_request', `${path} is not JSON: ${messageOf(error)}`, {
      cause: error,
    })
  }
  return check(busCredentialsSchema, value)
}

/**
 * The credentials that an external broker was given by environment: `NATS_URL` (which may carry `user:pass@`),
 * `NATS_USER`, `NATS_PASSWORD`, `NATS_TOKEN`, `NATS_CREDS`. Null when `NATS_URL` is not set.
 *
 * @param env the environment to read
 * @param inboxPrefix the subject below which replies are expected
 */
export function externalCredentials(
  env: Readonly<Record<string, string | undefined>>,
  inboxPrefix?: string,
): BusCredentials | null {
  const url = env['NATS_URL']
  if (url === undefined || url === '') return null
  const servers: string[] = []
  let user = env['NATS_USER']
  let pass = env['NATS_PASSWORD']
  for (const part of url.split(',')) {
    const at = part.lastIndexOf('@')
    const scheme = part.match(/^[a-z]+:\/\//)?.[0] ?? ''
    if (at === -1) {
      servers.push(part.trim())
      continue
    }
    const [name, ...secret] = part.slice(scheme.length, at).split(':')
    user ??= decodeURIComponent(name ?? '')
    pass ??= decodeURIComponent(secret.join(':'))
    servers.push(scheme + part.slice(at + 1).trim())
  }
  return {
    servers,
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(env['NATS_TOKEN'] !== undefined && { token: env['NATS_TOKEN'] }),
    ...(env['NATS_CREDS'] !== undefined && { creds: env['NATS_CREDS'] }),
    ...(inboxPrefix !== undefined && { inbox_prefix: inboxPrefix }),
  }
}

/**
 * Who to be: what the environment says (`NATS_URL` …), else what a file of the data directory holds. Where `NATS_URL` names
 * a broker but nobody to be on it, the file says who: the broker was given the generated accounts.
 *
 * @throws {CentralPostError} as `readCredentials` does
 */
export async function findCredentials(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  inboxPrefix?: string,
): Promise<BusCredentials> {
  const external = externalCredentials(env, inboxPrefix)
  if (external === null) return readCredentials(path)
  if ((external.user ?? external.token ?? external.creds) !== undefined) return external
  try {
    return { ...(await readCredentials(path)), servers: external.servers }
  } catch (error) {
    if (isCentralPostError(error) && error.code === 'not_found') return external
    throw error
  }
}
