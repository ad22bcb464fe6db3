import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, Operator } from '@centralpost/agents'
import { historySettings, Hub, hubConfigSchema, type HubConfig } from '@centralpost/hub'
import { Bus, type BusCredentials, silentLogger } from '@centralpost/shared'
import type { z } from 'zod'
import { MemoryLog } from './memory-log.ts'
import { TestBroker } from './nats-server.ts'
import { TempDir } from './temp-dir.ts'

export const shippedRules = fileURLToPath(new URL('../../config/trust_rules.yaml', import.meta.url))

export interface TestHubOptions {
  readonly agents?: readonly string[]
  readonly operators?: readonly string[]
  readonly config?: z.input<typeof hubConfigSchema>
  readonly rulesPath?: string
}

/** A real hub on a real broker, with a workspace of its own; all of it goes with the test. */
export class TestHub {
  readonly broker: TestBroker
  /** where commands may work */
  readonly workspace: string
  readonly log: MemoryLog
  readonly #config: HubConfig
  readonly #opened: AsyncDisposableStack
  #hub: Hub | undefined

  private constructor(
    broker: TestBroker,
    workspace: string,
    config: HubConfig,
    log: MemoryLog,
    opened: AsyncDisposableStack,
  ) {
    this.broker = broker
    this.workspace = workspace
    this.log = log
    this.#config = config
    this.#opened = opened
  }

  static async start(options: TestHubOptions = {}): Promise<TestHub> {
    await using opened = new AsyncDisposableStack()
    const workspace = opened.use(await TempDir.make()).path
    const log = new MemoryLog()
    const broker = opened.use(
      await TestBroker.start({
        agents: options.agents ?? ['agent-a', 'agent-b'],
        operators: options.operators ?? ['alice', 'bob'],
      }),
    )
    const settings = hubConfigSchema.parse({
      ...options.config,
      hub: { id: 'test-hub', ...options.config?.hub },
    })
    const config: HubConfig = {
      ...settings,
      history: historySettings(settings, 'the test'),
      file: null,
      rulesPath: options.rulesPath ?? shippedRules,
      roots: [workspace],
    }
    const it = new TestHub(broker, workspace, config, log, opened.move())
    try {
      await it.startHub()
    } catch (error) {
      await it[Symbol.asyncDispose]()
      throw error
    }
    return it
  }

  get hub(): Hub {
    if (this.#hub === undefined) throw new Error('the hub is stopped')
    return this.#hub
  }

  get config(): HubConfig {
    return this.#config
  }

  get dataDir(): string {
    return this.broker.dataDir
  }

  get databasePath(): string {
    return join(this.dataDir, 'hub.db')
  }

  /** @param changes of the settings, for this start */
  async startHub(changes: Partial<HubConfig> = {}): Promise<Hub> {
    this.#hub = await Hub.start({
      config: { ...this.#config, ...changes },
      dataDir: this.dataDir,
      credentials: {
        hub: await this.broker.credentials('hub'),
        endpoints: await this.broker.credentials('hub-endpoints'),
      },
      log: this.log,
    })
    return this.#hub
  }

  async stopHub(): Promise<void> {
    await this.#hub?.stop()
    this.#hub = undefined
  }

  async agent(name = 'agent-a'): Promise<Agent> {
    const credentials = await this.broker.credentials('agent', name)
    return this.#opened.use(await Agent.connect({ name, credentials }))
  }

  async operator(name = 'alice'): Promise<Operator> {
    const credentials = await this.broker.credentials('operator', name)
    return this.#opened.use(await Operator.connect({ name, credentials }))
  }

  /** A bare connection, for saying things that our own clients would not say. */
  async bus(kind: 'agent' | 'operator', name: string): Promise<Bus> {
    const credentials: BusCredentials = await this.broker.credentials(kind, name)
    return this.#opened.use(await Bus.connect({ credentials, name, log: silentLogger }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopHub()
    await this.#opened.disposeAsync()
  }
}
