import {
  CentralPostError,
  isCentralPostError,
  type Logger,
  noTracing,
  openLog,
  openTracing,
  type TraceHeaders,
  traceHeadersOf,
  type Tracing,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import { Agent } from '../agent/agent.ts'
import { Operator } from '../operator/operator.ts'
import { dataDirOf, type SpokeOptions } from '../spoke/spoke.ts'
import { version } from './version.ts'

/** The options that every command has. */
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
    .addOption(new Option('--verbose', 'say what the connection does').hideHelp())
}

export function withOperatorOptions(command: Command): Command {
  const name = new Option('--as <operator>', 'who you are')
    .env('CENTRALPOST_OPERATOR')
    .default('operator')
  return withCommonOptions(command.addOption(name))
}

/** Connects as an operator, works, and disconnects. */
export async function withOperator<T>(
  options: OperatorOptions,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  await using operator = await reached(options, () =>
    Operator.connect(spokeOptions(options.as, options)),
  )
  return await answered(options, operator.server, () => work(operator))
}

/** Connects as an agent, works, and disconnects. */
export async function withAgent<T>(
  name: string,
  options: CommonOptions,
  work: (agent: Agent) => Promise<T>,
): Promise<T> {
  await using opened = new AsyncDisposableStack()
  const tracing = await tracingOf(process.env)
  opened.defer(() => tracing.close())
  const agent = opened.use(
    await reached(options, () => Agent.connect({ ...spokeOptions(name, options), tracing })),
  )
  return await answered(options, agent.server, () => work(agent))
}

/** Spans are sent where CENTRALPOST_TRACING asks for it; the OTEL_* variables say where to. */
function tracingOf(env: NodeJS.ProcessEnv): Promise<Tracing> {
  return env['CENTRALPOST_TRACING'] === '1'
    ? openTracing({ service: 'centralpost-cli', version })
    : Promise.resolve(noTracing)
}

/** The trace that whoever started this process is in. */
export function traceOfEnvironment(env: NodeJS.ProcessEnv = process.env): TraceHeaders {
  return traceHeadersOf((name) => env[name.toUpperCase()])
}

function spokeOptions(name: string, options: CommonOptions): SpokeOptions {
  return { name, log: logOf(options), dataDir: dataDirOf({ ...dataOf(options) }) }
}

const dataOf = (options: CommonOptions): { dataDir?: string } =>
  options.data === undefined ? {} : { dataDir: options.data }

function logOf(options: CommonOptions): Logger {
  return openLog({
    component: 'cli',
    level: options.verbose ? 'debug' : 'error',
    terminal: true,
  })
}

const startOne = (options: CommonOptions): string =>
  `start one with: centralpost up${options.data === undefined ? '' : ` --data ${options.data}`}`

/** Says how to get a broker when there is none. */
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

/** Says how to get a hub when the broker is there but nobody answers. */
async function answered<T>(
  options: CommonOptions,
  server: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    // what a hub answered itself carries no cause
    const isAnswer = !isCentralPostError(error) || error.cause === undefined
    if (isAnswer || error.code !== 'unavailable') throw error
    throw new CentralPostError(
      'unavailable',
      `no hub answers at ${server} (${error.message}); ${startOne(options)}`,
      { cause: error },
    )
  }
}
