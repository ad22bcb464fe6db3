import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { brokerPaths } from '#hub/broker/broker-state.ts'
import { eventually } from '../../support/eventually.ts'
import { HubProcess } from '../../support/hub-process.ts'
import { TestBroker } from '../../support/nats-server.ts'
import { signal } from '../../support/signal.ts'
import { SmallDisk } from '../../support/small-disk.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { TempDir } from '../../support/temp-dir.ts'
import type { Lab } from './lab.ts'

export const agentNames = ['agent-a', 'agent-b', 'agent-c'] as const
export const operatorNames = ['alice', 'bob'] as const

/** What the faults of a round need to be there from its start. */
export interface Needs {
  readonly library?: 'disk' | 'clock'
  readonly smallDisk?: boolean
  readonly proxy?: boolean
}

/** What a round happens in: a broker, a database, and a hub that is started again whenever it ends. */
export class World {
  readonly lab: Lab
  readonly broker: TestBroker
  readonly hub: HubProcess
  readonly workspace: string
  readonly dataDir: string
  readonly proxy: TcpProxy | undefined
  /** the database's url, past every proxy; undefined: SQLite */
  readonly url: string | undefined
  readonly #note: (line: string) => void
  readonly #orders: Record<string, string>
  #keeping: Promise<void> | undefined
  #isOver = false
  readonly #begun = performance.now()
  wipedAt: number | null = null

  private constructor(
    parts: Pick<World, 'lab' | 'broker' | 'hub' | 'workspace' | 'dataDir' | 'proxy' | 'url'>,
    orders: Record<string, string>,
    note: (line: string) => void,
  ) {
    this.lab = parts.lab
    this.broker = parts.broker
    this.hub = parts.hub
    this.workspace = parts.workspace
    this.dataDir = parts.dataDir
    this.proxy = parts.proxy
    this.url = parts.url
    this.#orders = orders
    this.#note = note
  }

  /** @param opened where what is started is noted, to be ended with the round */
  static async make(
    lab: Lab,
    needs: Needs,
    opened: AsyncDisposableStack,
    note: (line: string) => void,
  ): Promise<World> {
    const workspace = opened.use(await TempDir.make()).path
    const disk = needs.smallDisk === true ? SmallDisk.mount(24) : null
    if (disk !== null) opened.use(disk)
    const dataDir = disk?.path ?? join(workspace, 'data')
    const broker = opened.use(
      await TestBroker.start({
        agents: agentNames,
        operators: operatorNames,
        ...(lab.program !== undefined && { program: lab.program }),
      }),
    )
    await cp(join(broker.dataDir, 'credentials'), join(dataDir, 'credentials'), {
      recursive: true,
    })
    await mkdir(join(workspace, 'marks'))
    const url = await lab.server?.database()
    let proxy: TcpProxy | undefined
    let seen = url
    if (needs.proxy === true && lab.server !== undefined && url !== undefined) {
      proxy = opened.use(await TcpProxy.to(lab.server.socket))
      seen = `postgresql://test@127.0.0.1:${proxy.port}${new URL(url).pathname}`
    }
    const orders: Record<string, string> = {}
    if (lab.libraries !== undefined && needs.library !== undefined) {
      orders['LD_PRELOAD'] = lab.libraries[needs.library]
      orders[needs.library === 'disk' ? 'FAILING_DISK' : 'STEPPING_CLOCK'] = join(
        workspace,
        'order',
      )
    }
    const hub = opened.use(
      await HubProcess.make(dataDir, workspace, settingsOf(seen), { NATS_URL: broker.url }),
    )
    return new World({ lab, broker, hub, workspace, dataDir, proxy, url }, orders, note)
  }

  /** Milliseconds since the round began. */
  get now(): number {
    return performance.now() - this.#begun
  }

  /** Starts the hub, and from now on again whenever it ends, as `up` and a service manager do. */
  async start(): Promise<void> {
    await this.hub.start(this.#orders)
    this.#keeping = this.#keep()
  }

  /** Gives the preloaded library an order; null: it does nothing more. */
  async order(text: string | null): Promise<void> {
    const file = join(this.workspace, 'order')
    if (text === null) await rm(file, { force: true })
    else await writeFile(file, text)
  }

  /** Deletes all that the broker has stored, as a disk that is lost does, and has it start anew. */
  async wipeBroker(): Promise<void> {
    // it must not write what is deleted under it
    await eventually(() => signal(this.broker.embedded.pid, 'SIGSTOP'))
    await rm(brokerPaths(this.broker.dataDir).store, { recursive: true, force: true })
    this.wipedAt = this.now
    await this.broker.kill9()
    await this.broker.isBack()
  }

  /** Nothing is started again; the hub is stopped. */
  async end(): Promise<number | null> {
    this.#isOver = true
    await this.#keeping
    return this.hub.stop()
  }

  async hubLog(): Promise<string> {
    return readFile(this.hub.logFile, 'utf8').catch(() => '')
  }

  async #keep(): Promise<void> {
    while (!this.#isOver) {
      await delay(20)
      if (this.hub.isRunning) continue
      this.#note(`the hub has ended (${this.hub.exitCode ?? 'by a signal'}); it is started again`)
      try {
        await this.hub.start(this.#orders)
        this.#note('the hub serves')
      } catch (error) {
        this.#note(Error.isError(error) ? error.message : String(error))
        await delay(200)
      }
    }
  }
}

const settingsOf = (url: string | undefined): string =>
  'hub: { id: round, stop_grace: 1 }\nlog: { level: info }\n' +
  (url === undefined ? '' : `history: { backend: postgres, url: "${url}", lease: 4 }\n`) +
  'execution: { parallel: 8, parallel_per_agent: 4, kill_grace: 1, sandbox: { mode: "off" } }\n' +
  'approvals: { pending: 3600, execute_within: 3600, pending_per_agent: 10000, denials_to_cool_down: 100 }\n'
