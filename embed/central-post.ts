import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent } from '@centralpost/agents/agent'
import { Operator } from '@centralpost/agents/operator'
import {
  CredentialStore,
  EmbeddedBroker,
  historySettings,
  Hub,
  type HubConfig,
  hubConfigSchema,
  type HubSettings,
} from '@centralpost/hub'
import { type BusCredentials, checkConfig, type Logger, silentLogger } from '@centralpost/shared'

const shippedRules = fileURLToPath(new URL('../config/trust_rules.yaml', import.meta.url))

export interface LocalOptions {
  /** where database, keys and credentials are kept: one directory for one hub at a time; made where it is missing */
  readonly dataDir: string
  /** the directories that commands may work in; the first is where they work by default */
  readonly roots: readonly string[]
  /** what `centralpost.yaml` may say @default its defaults */
  readonly settings?: HubSettings
  /** a rule file of your own @default the rules that come with CentralPost */
  readonly rules?: string
  /** agents and operators to have from the start: one that is asked for later costs a reload of the broker @default none */
  readonly agents?: readonly string[]
  readonly operators?: readonly string[]
  readonly log?: Logger
  /** @default `log` */
  readonly brokerLog?: Logger
  /** the nats-server to run @default the one that `centralpost setup` finds */
  readonly natsServer?: string
}

/**
 * A hub with a broker and credentials of its own, in this process. The broker is a process beside it, and commands run in
 * others; all of them end with it.
 */
export class CentralPost implements AsyncDisposable {
  readonly dataDir: string
  readonly broker: EmbeddedBroker
  readonly credentials: CredentialStore
  readonly config: HubConfig
  readonly #log: Logger
  readonly #opened: AsyncDisposableStack
  #hub: Hub | undefined
  #lettingIn: Promise<unknown> = Promise.resolve()

  private constructor(
    broker: EmbeddedBroker,
    credentials: CredentialStore,
    config: HubConfig,
    log: Logger,
    opened: AsyncDisposableStack,
  ) {
    this.dataDir = broker.dataDir
    this.broker = broker
    this.credentials = credentials
    this.config = config
    this.#log = log
    this.#opened = opened
  }

  /**
   * Starts a broker and a hub on a data directory.
   *
   * @throws {CentralPostError} `invalid_config` for settings or rules that are none, `conflict` when another hub works on
   * the directory, `unavailable` without a nats-server (`centralpost setup` gets one), `storage` for a directory that cannot
   * be used
   */
  static async local(options: LocalOptions): Promise<CentralPost> {
    const config = configOf(options)
    const log = options.log ?? silentLogger
    const dataDir = resolve(options.dataDir)
    const credentials = await CredentialStore.open(dataDir)
    for (const name of options.agents ?? []) await credentials.ensure('agent', name)
    for (const name of options.operators ?? []) await credentials.ensure('operator', name)
    await using opened = new AsyncDisposableStack()
    const { port } = config.broker
    const broker = opened.use(
      await EmbeddedBroker.start({
        dataDir,
        log: options.brokerLog ?? log,
        ...(port !== undefined && { port }),
        ...(options.natsServer !== undefined && { binary: options.natsServer }),
      }),
    )
    const post = new CentralPost(broker, credentials, config, log, opened.move())
    try {
      await post.startHub()
    } catch (error) {
      await post[Symbol.asyncDispose]()
      throw error
    }
    return post
  }

  /** @throws {Error} while it is stopped */
  get hub(): Hub {
    if (this.#hub === undefined) throw new Error('the hub is stopped: call startHub()')
    return this.#hub
  }

  /**
   * Starts the hub again, after `stopHub`.
   *
   * @param changes of the settings, for this start
   * @throws {CentralPostError} `conflict` while it runs, and as `local` does
   */
  async startHub(changes: Partial<HubConfig> = {}): Promise<Hub> {
    this.#hub = await Hub.start({
      config: { ...this.config, ...changes },
      dataDir: this.dataDir,
      credentials: {
        hub: await this.credentials.own('hub'),
        endpoints: await this.credentials.own('hub-endpoints'),
      },
      log: this.#log,
      hasSingleOperator: async () =>
        (await this.credentials.list()).filter(({ kind }) => kind === 'operator').length === 1,
    })
    return this.#hub
  }

  /** Ends the hub in order; the broker goes on and keeps what is asked meanwhile. */
  async stopHub(): Promise<void> {
    await this.#hub?.stop()
    this.#hub = undefined
  }

  /** An agent on a connection of its own; one that is not known yet is let in. @throws as `Agent.connect` does */
  async agent(name: string): Promise<Agent> {
    const credentials = await this.#letIn('agent', name)
    return this.#opened.use(await Agent.connect({ name, credentials }))
  }

  /** An operator on a connection of its own; one that is not known yet is let in. @throws as `Operator.connect` does */
  async operator(name: string): Promise<Operator> {
    const credentials = await this.#letIn('operator', name)
    return this.#opened.use(await Operator.connect({ name, credentials }))
  }

  /** Ends hub, connections and broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopHub()
    await this.#opened.disposeAsync()
  }

  /** One after the other: who is known already may be so only since a moment ago, and not to the broker. */
  #letIn(kind: 'agent' | 'operator', name: string): Promise<BusCredentials> {
    const letIn = async (): Promise<BusCredentials> => {
      const known = await this.credentials.list()
      if (known.some((one) => one.kind === kind && one.name === name)) {
        return this.credentials.show(kind, name)
      }
      const identity = await this.credentials.add(kind, name)
      await this.broker.reload()
      return identity
    }
    const done = this.#lettingIn.then(letIn)
    this.#lettingIn = done.catch(() => {})
    return done
  }
}

function configOf({ settings = {}, rules, roots }: LocalOptions): HubConfig {
  const checked = checkConfig(hubConfigSchema, settings, 'settings')
  return {
    ...checked,
    history: historySettings(checked, 'settings', undefined),
    file: null,
    rulesPath: rules === undefined ? shippedRules : resolve(rules),
    roots: roots.map((root) => resolve(root)),
  }
}
