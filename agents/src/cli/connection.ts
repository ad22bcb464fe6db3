import {
  CentralPostError,
  isCentralPostError,
  noTracing,
  openTracing,
  type TraceHeaders,
  traceHeadersOf,
  type Tracing,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import type { Agent } from '../agent/agent.ts'
import type { Operator } from '../operator/operator.ts'
import { dataDirOf, type SpokeOptions } from '../spoke/spoke.ts'
import { stderrLog } from '../terminal/stderr-log.ts'
import { version } from './version.ts'

/** Options common to all commands. */
export interface CommonOptions {
  readonly data?: string
  readonly json?: boolean
  readonly verbose?: boolean
}

export interface OperatorOptions extends CommonOptions {
  readonly as: string
}

export function withCommonOptions(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      "the hub's data directory (env: CENTRALPOST_DATA; default: .centralpost)",
    )
    .option('--json', 'print JSON')
    .addOption(new Option('--verbose', 'log connection events').hideHelp())
}

export function withOperatorOptions(command: Command): Command {
  const name = new Option('--as <operator>', 'your name on the broker')
    .env('CENTRALPOST_OPERATOR')
    .default('operator')
  return withCommonOptions(command.addOption(name))
}

/** Runs `work` with an operator's connection and closes it. */
export async function withOperator<T>(
  options: OperatorOptions,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const { Operator } = await import('../operator/operator.ts')
  await using operator = await reached(options, () =>
    Operator.connect(spokeOptions(options.as, options)),
  )
  return await answered(options, operator.server, () => work(operator))
}

/** Runs `work` with an agent's connection and closes it. */
export async function withAgent<T>(
  name: string,
  options: CommonOptions,
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  const { Agent } = await import('../agent/agent.ts')
  await using opened = new AsyncDisposableStack()
  const tracing = await tracingOf(process.env)
  opened.defer(() => tracing.close())
  const agent = opened.use(
    await reached(options, () => Agent.connect({ ...spokeOptions(name, options), tracing })),
  )
  return await answered(options, agent.server, () => work(agent))
}

/** CENTRALPOST_TRACING switches tracing on; the OTEL_* variables name the destination. */
function tracingOf(env: NodeJS.ProcessEnv): Promise<Tracing> {
  return env['CENTRALPOST_TRACING'] === '1'
    ? openTracing({ service: 'centralpost-cli', version })
    : Promise.resolve(noTracing)
}

/** The trace context that this process inherited. */
export function traceOfEnvironment(env: NodeJS.ProcessEnv = process.env): TraceHeaders {
  return traceHeadersOf((name) => env[name.toUpperCase()])
}

function spokeOptions(name: string, options: CommonOptions): SpokeOptions {
  return {
    name,
    log: stderrLog('cli', options.verbose ? 'debug' : 'error'),
    dataDir: dataDirOf({ ...dataOf(options) }),
  }
}

const dataOf = (options: CommonOptions): { dataDir?: string } =>
  options.data === undefined ? {} : { dataDir: options.data }

const startOne = (options: CommonOptions): string =>
  `start one with: centralpost up${options.data === undefined ? '' : ` --data ${options.data}`}`

/** Adds a hint on how to start a broker to an `unavailable` error. */
async function reached<T>(options: CommonOptions, connect: () => Promise<T>): Promise<T> {
  try {
    return await connect()
  } catch (error) {
    if (!isCentralPostError(error) || error.code !== 'unavailable') throw error
    const wayOut = process.env['NATS_URL']
      ? 'start that broker, or unset NATS_URL to use the embedded one'
      : startOne(options)
    throw new CentralPostError('unavailable', `${error.message}; ${wayOut}`, {
      cause: error,
    })
  }
}

/** Adds a hint on how to start a hub when the broker answers and the hub does not. */
async function answered<T>(
  options: CommonOptions,
  server: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // an answer of the hub has no cause; a failure to reach it has one
    const isAnswer = !isCentralPostError(error) || error.cause === undefined
    if (isAnswer || error.code !== 'unavailable') throw error
    throw new CentralPostError(
      'unavailable',
      `no hub answers at ${server} (${error.message}); ${startOne(options)}`,
      { cause: error },
    )
  }
}
