import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CentralPostError, isCentralPostError, newActionId } from '@centralpost/shared'
import { pause } from '../spoke/deadline.ts'
import { Operator } from '../operator/operator.ts'
import { DemoProcess } from './processes.ts'
import { hubMissing, findHubProgram } from '../hub-program.ts'

export const demoAgents = ['research', 'analysis', 'system'] as const
/** The operator who decides, and the observer behind the demo's own screen. */
export const decider = 'alice'
const watcher = 'watcher'

/** The approval timeout of the demo, in seconds. */
export const pendingSeconds = 4
const startMs = 60_000
const stopMs = 20_000

/** The stage of the demo: its own broker and hub, in a temporary directory. */
export class Stage {
  /** the directory that the demo may change */
  readonly scratch: string
  readonly workflowId = `demo-${newActionId()}`
  readonly operator: Operator
  readonly #folder: string
  readonly #data: string
  readonly #env: NodeJS.ProcessEnv
  readonly #hub: DemoProcess
  readonly #others: DemoProcess[] = []

  private constructor(
    folder: string,
    env: NodeJS.ProcessEnv,
    hub: DemoProcess,
    operator: Operator,
  ) {
    this.#folder = folder
    this.#data = join(folder, 'data')
    this.scratch = join(folder, 'scratch')
    this.#env = env
    this.#hub = hub
    this.operator = operator
  }

  /**
   * Starts broker and hub.
   *
   * @param workDir the directory for the agents to look at
   * @throws {CentralPostError} with the hub's output when it does not start
   */
  static async set(workDir: string, signal: AbortSignal): Promise<Stage> {
    await using opened = new AsyncDisposableStack()
    const folder = await mkdtemp(join(await realpath(tmpdir()), 'centralpost-demo-'))
    opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    const data = join(folder, 'data')
    const scratch = join(folder, 'scratch')
    await mkdir(join(scratch, 'keep'), { recursive: true })
    const config = join(folder, 'centralpost.yaml')
    const settings = { hub: { roots: [workDir, scratch] }, approvals: { pending: pendingSeconds } }
    // JSON is valid YAML
    await writeFile(config, JSON.stringify(settings))
    const env = { ...process.env, CENTRALPOST_DATA: data }
    await addIdentities(env, signal)
    const hub = DemoProcess.start(
      'the hub',
      [hubProgram(), 'up', '--data', data, '--config', config],
      env,
      { isTied: true },
    )
    opened.defer(() => hub.stop(stopMs))
    const operator = await hubAnswers(data, hub, signal)
    opened.move()
    return new Stage(folder, env, hub, operator)
  }

  /** Starts the operator who decides; resolves once it is subscribed. */
  async startOperator(signal: AbortSignal): Promise<DemoProcess> {
    const program = fileURLToPath(new URL('operator-process.ts', import.meta.url))
    const list = planFile('operator')
    const args = [program, decider, this.#data, this.workflowId, list]
    const operator = this.#start(`the operator ${decider}`, args)
    while (!operator.printed.includes('listening')) {
      if (operator.hasEnded) await operator.succeeded(0)
      await pause(20, signal)
    }
    return operator
  }

  /** Starts an agent with its plan. */
  startAgent(role: (typeof demoAgents)[number], workDir: string): DemoProcess {
    const program = fileURLToPath(new URL('../../bin/centralpost.js', import.meta.url))
    return this.#start(`the agent ${role}`, [
      program,
      'agent',
      role,
      `--plan=${planFile(role)}`,
      `--cwd=${workDir}`,
      `--workflow=${this.workflowId}`,
      `--set=scratch=${this.scratch}`,
    ])
  }

  /** The ids of all processes of the demo, the broker's among them. */
  async processIds(): Promise<number[]> {
    const broker = await brokerPid(this.#data)
    const own = [this.#hub, ...this.#others].map((process) => process.pid)
    return broker === undefined ? own : [...own, broker]
  }

  get folder(): string {
    return this.#folder
  }

  /** Stops everything and cleans up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#others.map((process) => process.stop(stopMs)))
    await this.operator.close()
    await this.#hub.stop(stopMs)
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #start(name: string, args: readonly string[]): DemoProcess {
    const process = DemoProcess.start(name, args, this.#env, { isTied: true })
    this.#others.push(process)
    return process
  }
}

const planFile = (name: string): string =>
  fileURLToPath(new URL(`${name}.yaml`, new URL('plans/', import.meta.url)))

function hubProgram(): string {
  const path = findHubProgram()
  if (path === undefined) throw new CentralPostError('not_found', hubMissing)
  return path
}

async function addIdentities(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const who = [
    ...demoAgents.map((name) => ['agent', name]),
    ...[decider, watcher].map((name) => ['operator', name]),
  ]
  const adding = who.map((identity) =>
    DemoProcess.start(
      `adding ${identity.join(' ')}`,
      [hubProgram(), 'credentials', 'add', ...identity],
      env,
      { isTied: false },
    ),
  )
  try {
    await Promise.all(adding.map((process) => process.succeeded(startMs, signal)))
  } finally {
    await Promise.all(adding.map((process) => process.stop(stopMs)))
  }
}

async function hubAnswers(data: string, hub: DemoProcess, signal: AbortSignal): Promise<Operator> {
  const deadline = Date.now() + startMs
  let last: unknown
  while (Date.now() < deadline) {
    if (hub.hasEnded) await hub.succeeded(0)
    let operator: Operator | undefined
    try {
      operator = await Operator.connect({ name: watcher, dataDir: data, connectTimeoutMs: 1000 })
      await operator.hubs()
      return operator
    } catch (error) {
      if (!isCentralPostError(error) || !error.retryable) throw error
      last = error
      await operator?.close()
    }
    await pause(50, signal)
  }
  throw new CentralPostError('unavailable', `the hub does not answer:\n${hub.printed.trim()}`, {
    cause: last,
  })
}

/** The broker's process id, to verify that it has ended as well. */
async function brokerPid(data: string): Promise<number | undefined> {
  try {
    const state = JSON.parse(await readFile(join(data, 'broker', 'state.json'), 'utf8')) as {
      pid?: number
    }
    return state.pid
  } catch {
    // a broker given by NATS_URL does not belong to the demo
    return undefined
  }
}
