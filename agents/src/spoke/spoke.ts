import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  agentIdSchema,
  Bus,
  type BusCredentials,
  CentralPostError,
  check,
  findCredentials,
  isCentralPostError,
  type Logger,
  operatorIdSchema,
  silentLogger,
  type Tracing,
} from '@centralpost/shared'
import { pause } from './deadline.ts'

/** The role of a process on the bus. Both roles talk only to the hub, over NATS. */
export type SpokeKind = 'agent' | 'operator'

export interface SpokeOptions {
  /** one token of a subject: `[A-Za-z0-9_-]{1,64}` */
  readonly name: string
  /** credentials to use; found through `env` and `dataDir` when absent */
  readonly credentials?: BusCredentials
  /**
   * the hub's data directory @default `CENTRALPOST_DATA`, else `.centralpost` in the working
   * directory
   */
  readonly dataDir?: string
  /**
   * `NATS_URL` (with `NATS_USER` …) names an external broker; `CENTRALPOST_DATA` the data directory
   * @default process.env
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly log?: Logger
  /** traces requests as spans (`openTracing`); the hub's spans continue them @default none */
  readonly tracing?: Tracing
  /** time limit of the first connect, in milliseconds @default 5000 */
  readonly connectTimeoutMs?: number
}

/** How long a broker that refuses connections is retried, in milliseconds. */
const refusedMs = 1_000
const againMs = 200

/**
 * Connects as an agent or an operator.
 *
 * @throws {CentralPostError} `invalid_request` for a bad name, `not_found` without credentials,
 *   `unavailable` when no broker answers, `forbidden` when it refuses the credentials
 */
export async function connectSpoke(kind: SpokeKind, options: SpokeOptions): Promise<Bus> {
  const name = check(kind === 'agent' ? agentIdSchema : operatorIdSchema, options.name)
  const credentials = options.credentials ?? (await credentialsOf(kind, options))
  const giveUpAt = performance.now() + refusedMs
  for (;;) {
    try {
      return await Bus.connect({
        credentials,
        name: `centralpost ${kind} ${name}`,
        log: options.log ?? silentLogger,
        ...(options.connectTimeoutMs !== undefined && {
          connectTimeoutMs: options.connectTimeoutMs,
        }),
      })
    } catch (error) {
      // a broker that has just died is being restarted
      const isRefused = isCentralPostError(error) && error.code === 'unavailable'
      if (!isRefused || performance.now() + againMs >= giveUpAt) throw error
      await pause(againMs)
    }
  }
}

/** The default data directory. */
export function dataDirOf(options: Pick<SpokeOptions, 'dataDir' | 'env'>): string {
  const env = options.env ?? process.env
  return resolve(options.dataDir ?? (env['CENTRALPOST_DATA'] || '.centralpost'))
}

async function credentialsOf(kind: SpokeKind, options: SpokeOptions): Promise<BusCredentials> {
  const { name } = options
  const dataDir = dataDirOf(options)
  const path = join(dataDir, 'credentials', `${kind}s`, `${name}.json`)
  try {
    return await findCredentials(path, options.env ?? process.env, `_INBOX.${kind}-${name}`)
  } catch (error) {
    if (!isCentralPostError(error) || error.code !== 'not_found') throw error
    if (!existsSync(dataDir)) {
      throw new CentralPostError(
        'not_found',
        `no CentralPost data in ${dataDir}: run this in the folder in which it was started, ` +
          'or name its data directory with --data or CENTRALPOST_DATA',
        { cause: error },
      )
    }
    throw new CentralPostError(
      'not_found',
      `no credentials for the ${kind} "${name}" in ${dataDir}; ` +
        `add them with: centralpost credentials add ${kind} ${name} --data ${dataDir}`,
      { cause: error },
    )
  }
}
