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
  ca: z
    .string()
    .optional()
    .describe('path of a PEM file: who may sign the certificate of the broker'),
  cert: z.string().optional().describe('path of a PEM file: the client certificate'),
  key: z.string().optional().describe('path of a PEM file: the key of that certificate'),
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

/** What the environment may say about a broker, and what each variable is. */
export const brokerVariables = {
  NATS_URL:
    'its address: nats://HOST:PORT, or tls://HOST:PORT (encrypted, or not at all); several with commas',
  NATS_USER: 'the user; or in the address: USER:PASSWORD@HOST',
  NATS_PASSWORD: "that user's password",
  NATS_TOKEN: 'a token; or in the address: TOKEN@HOST',
  NATS_CREDS: 'the path of a .creds file (JWT)',
  NATS_CA: "the PEM file of who has signed the broker's certificate",
  NATS_CERT: 'the PEM file of a client certificate',
  NATS_KEY: 'the PEM file of its key',
} as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The credentials that an external broker was given by environment: see `brokerVariables`. Null when `NATS_URL` is not
 * set.
 *
 * @param env the environment to read
 * @param inboxPrefix the subject below which replies are expected
 * @throws {CentralPostError} `invalid_config` when what stands before the @ of an address cannot be read
 */
export function externalCredentials(env: Environment, inboxPrefix?: string): BusCredentials | null {
  const set = (name: keyof typeof brokerVariables): string | undefined => env[name] || undefined
  const url = set('NATS_URL')
  if (url === undefined) return null
  const servers: string[] = []
  let user = set('NATS_USER')
  let pass = set('NATS_PASSWORD')
  let token = set('NATS_TOKEN')
  for (const part of url.split(',').map((text) => text.trim())) {
    const at = part.lastIndexOf('@')
    const scheme = part.match(/^[A-Za-z]+:\/\//)?.[0] ?? ''
    servers.push(at === -1 ? part : scheme + part.slice(at + 1))
    if (at === -1) continue
    const [name = '', ...secret] = part.slice(scheme.length, at).split(':').map(decoded)
    // as every client of this broker reads it: a name without a password is a token
    if (secret.length > 0 || pass !== undefined) user ??= name
    else token ??= name
    if (secret.length > 0) pass ??= secret.join(':')
  }
  const fields = {
    user,
    pass,
    token,
    creds: set('NATS_CREDS'),
    ca: set('NATS_CA'),
    cert: set('NATS_CERT'),
    key: set('NATS_KEY'),
    inbox_prefix: inboxPrefix,
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return { servers, ...(Object.fromEntries(given) as Partial<typeof fields>) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    throw new CentralPostError(
      'invalid_config',
      'NATS_URL: what stands before the @ cannot be read; write % as %25, or use NATS_USER and NATS_PASSWORD',
      { cause: error },
    )
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
  env: Environment,
  inboxPrefix?: string,
): Promise<BusCredentials> {
  const external = externalCredentials(env, inboxPrefix)
  if (external === null) return readCredentials(path)
  if ((external.user ?? external.token ?? external.creds) !== undefined) return external
  try {
    return { ...external, ...(await readCredentials(path)), servers: external.servers }
  } catch (error) {
    if (isCentralPostError(error) && error.code === 'not_found') return external
    throw error
  }
}
