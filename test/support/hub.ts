import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Agent, Operator } from '@centralpost/agents'
import type { Hub, HubConfig, HubSettings } from '@centralpost/hub'
import { Bus, type BusCredentials, silentLogger } from '@centralpost/shared'
import { CentralPost } from '#embed/central-post.ts'
import { MemoryLog } from './memory-log.ts'
import { natsServerProgram } from './nats-program.ts'
import { TestBroker } from './nats-server.ts'
import { TempDir } from './temp-dir.ts'

export const shippedRules = fileURLToPath(new URL('../../config/trust_rules.yaml', import.meta.url))

export interface TestHubOptions {
  readonly agents?: readonly string[]
  readonly operators?: readonly string[]
  readonly config?: HubSettings
  readonly rulesPath?: string
}

/** A real hub on a real broker, with a workspace of its own; all of it goes with the test. */
export class TestHub {
  readonly broker: TestBroker
  /** where commands may work */
  readonly workspace: string
  readonly log: MemoryLog
  readonly #post: CentralPost
  readonly #opened: AsyncDisposableStack

  private constructor(
    post: CentralPost,
    workspace: string,
    log: MemoryLog,
    opened: AsyncDisposableStack,
  ) {
    this.broker = TestBroker.of(post.broker, post.credentials)
    this.workspace = workspace
    this.log = log
    this.#post = post
    this.#opened = opened
  }

  static async start(options: TestHubOptions = {}): Promise<TestHub> {
    await using opened = new AsyncDisposableStack()
    const workspace = opened.use(await TempDir.make()).path
    const dataDir = opened.use(await TempDir.make()).path
    const log = new MemoryLog()
    const { agents, operators, config, rulesPath } = options
    const post = opened.use(
      await CentralPost.local({
        dataDir,
        roots: [workspace],
        settings: { ...config, hub: { id: 'test-hub', ...config?.hub } },
        agents: agents ?? ['agent-a', 'agent-b'],
        operators: operators ?? ['alice', 'bob'],
        log,
        brokerLog: silentLogger,
        natsServer: natsServerProgram(),
        ...(rulesPath !== undefined && { rules: rulesPath }),
      }),
    )
    return new TestHub(post, workspace, log, opened.move())
  }

  get hub(): Hub {
    return this.#post.hub
  }

  get config(): HubConfig {
    return this.#post.config
  }

  get dataDir(): string {
    return this.#post.dataDir
  }

  get databasePath(): string {
    return join(this.dataDir, 'hub.db')
  }

  /** @param changes of the settings, for this start */
  startHub(changes: Partial<HubConfig> = {}): Promise<Hub> {
    return this.#post.startHub(changes)
  }

  stopHub(): Promise<void> {
    return this.#post.stopHub()
  }

  agent(name = 'agent-a'): Promise<Agent> {
    return this.#post.agent(name)
  }

  operator(name = 'alice'): Promise<Operator> {
    return this.#post.operator(name)
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
