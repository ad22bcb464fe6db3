import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, silentLogger } from '@centralpost/shared'
import { CredentialStore } from '#hub/broker/credentials.ts'
import { EmbeddedBroker } from '#hub/broker/embedded-broker.ts'
import type { Identity, IdentityKind, OwnIdentity } from '#hub/broker/identity.ts'
import { eventually } from './eventually.ts'
import { natsServerProgram } from './nats-program.ts'
import { signal } from './signal.ts'

export interface TestBrokerOptions {
  readonly agents?: readonly string[]
  readonly operators?: readonly string[]
  /** an existing data directory, which is then kept; a new temporary one when absent */
  readonly dataDir?: string
  readonly log?: Logger
  /** the nats-server to run @default `natsServerProgram` */
  readonly program?: string
}

/** A real embedded broker with identities of its own, in a temporary data directory that goes with it. */
export class TestBroker {
  readonly dataDir: string
  readonly embedded: EmbeddedBroker
  readonly store: CredentialStore
  readonly #isTemporary: boolean
  #killedPid: number | undefined

  private constructor(embedded: EmbeddedBroker, store: CredentialStore, isTemporary: boolean) {
    this.dataDir = embedded.dataDir
    this.embedded = embedded
    this.store = store
    this.#isTemporary = isTemporary
  }

  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'centralpost-')))
    const store = await CredentialStore.open(dataDir)
    for (const name of options.agents ?? []) await store.ensure('agent', name)
    for (const name of options.operators ?? []) await store.ensure('operator', name)
    const embedded = await EmbeddedBroker.start({
      dataDir,
      binary: options.program ?? natsServerProgram(),
      log: options.log ?? silentLogger,
    })
    return new TestBroker(embedded, store, options.dataDir === undefined)
  }

  /** One that somebody else has started, and ends. */
  static of(embedded: EmbeddedBroker, store: CredentialStore): TestBroker {
    return new TestBroker(embedded, store, false)
  }

  get url(): string {
    return this.embedded.url
  }

  /** What a client needs to connect as somebody: fits the bus of `shared` and, by `clientOptions`, the nats package. */
  credentials(which: OwnIdentity): Promise<Identity>
  credentials(kind: IdentityKind, name: string): Promise<Identity>
  credentials(which: OwnIdentity | IdentityKind, name?: string): Promise<Identity> {
    if (which === 'agent' || which === 'operator') return this.store.show(which, name ?? '')
    return this.store.own(which)
  }

  /** Kills the server with -9; it is then restarted on the same port. Resolves when it is dead. */
  async kill9(): Promise<void> {
    const { pid } = this.embedded
    this.#killedPid = pid
    signal(pid, 'SIGKILL')
    await eventually(() => !isAlive(pid))
  }

  /** Resolves when the server that `kill9` killed has been replaced by one that answers. */
  async isBack(): Promise<void> {
    await eventually(() => this.embedded.pid !== this.#killedPid)
  }

  async stop(): Promise<void> {
    await this.embedded.stop()
    if (this.#isTemporary) await rm(this.dataDir, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** An identity as the connection options of the `nats` package. */
export function clientOptions(identity: Identity) {
  return {
    servers: identity.servers,
    user: identity.user,
    pass: identity.pass,
    inboxPrefix: identity.inbox_prefix,
    reconnectTimeWait: 50,
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
