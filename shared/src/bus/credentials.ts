import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { check } from '../messages/codec.ts'
import { messageOf } from '../message-of.ts'
import { CentralPostError, isCentralPostError } from '../problem.ts'

/**
 * Everything a NATS client needs to authenticate; the output of `centralpost credentials show
 * --json`.
 */
export const busCredentialsSchema = z.object({
  servers: z.array(z.string().min(1)).min(1),
  user: z.string().optional(),
  pass: z.string().optional(),
  token: z.string().optional(),
  creds: z.string().optional().describe('path of a .creds file, for brokers that use JWT'),
  ca: z
    .string()
    .optional()
    .describe("path of a PEM file: the CA that signs the broker's certificate"),
  cert: z.string().optional().describe('path of a PEM file: the client certificate'),
  key: z.string().optional().describe('path of a PEM file: the key of that certificate'),
  inbox_prefix: z.string().optional(),
})
export type BusCredentials = z.infer<typeof busCredentialsSchema>

/**
 * Reads a credentials file.
 *
 * @throws {CentralPostError} `not_found` when it is missing, `invalid_request` when its content is
 *   invalid
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

/** The environment variables for a broker, with their descriptions. */
export const brokerVariables = {
  NATS_URL:
    'its address: nats://HOST:PORT, or tls://HOST:PORT (encryption required); several with commas',
  NATS_USER: 'the user; or in the address: USER:PASSWORD@HOST',
  NATS_PASSWORD: "that user's password",
  NATS_TOKEN: 'a token; or in the address: TOKEN@HOST',
  NATS_CREDS: 'the path of a .creds file (JWT)',
  NATS_CA: "the PEM file of the CA that signs the broker's certificate",
  NATS_CERT: 'the PEM file of a client certificate',
  NATS_KEY: 'the PEM file of its key',
} as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The credentials of an external broker from the environment: see `brokerVariables`. Null when
 * `NATS_URL` is not set.
 *
 * @param env the environment to read
 * @param inboxPrefix prefix of reply subjects
 * @throws {CentralPostError} `invalid_config` when the user info of an address is malformed
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
    // like every NATS client: a name without a password is a token
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
      'NATS_URL: malformed user info before the @; write % as %25, or use NATS_USER and NATS_PASSWORD',
      { cause: error },
    )
  }
}

/**
 * The credentials to use: from the environment (`NATS_URL` …), else from a file of the data
 * directory. If `NATS_URL` names a broker without a user, the file supplies the user: the broker
 * uses the generated accounts.
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
