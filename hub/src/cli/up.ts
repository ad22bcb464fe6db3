import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Backoff, CentralPostError, externalCredentials, type Logger } from '@centralpost/shared'
import type { Command } from 'commander'
import { CredentialStore } from '../broker/credentials.ts'
import { EmbeddedBroker } from '../broker/embedded-broker.ts'
import type { HubConfig } from '../config/hub-config.ts'
import { type ServingConsole, startConsole } from './console-process.ts'
import { SpokeProcess } from './spoke-process.ts'
import {
  type HubCommandOptions,
  dataDirOf,
  logOf,
  printAs,
  settingsOf,
  withHubOptions,
} from './settings.ts'
import { ensureMachine } from './setup.ts'
import { untilAskedToStop } from './signals.ts'

/**
 * Time for a hub's stop beyond running commands, in milliseconds; its own watchdog fires earlier.
 */
const longestHubEndMs = 30_000

/** Pauses before a hub that died is restarted, in milliseconds. */
const firstWaitMs = 100
const longestWaitMs = 5000

const bin = fileURLToPath(new URL('../../bin/centralpost-hub.js', import.meta.url))

/**
 * Adds `up`: broker and hub on one machine, the hub in its own process that is restarted when it
 * dies.
 */
export function addUpCommand(program: Command): void {
  withHubOptions(
    program
      .command('up')
      .description('run everything on this machine: broker, hub and console, until stopped'),
  ).action(async (options: HubCommandOptions) => {
    const config = await settingsOf(options)
    const dataDir = dataDirOf(options)
    await using opened = new AsyncDisposableStack()
    const log = logOf(options, config, 'up')
    opened.defer(() => log.close())
    await ensureMachine()
    const external = externalCredentials(process.env)
    let broker: EmbeddedBroker | undefined
    if (external === null) {
      const store = await CredentialStore.open(dataDir)
      await store.ensure('operator', 'operator')
      await store.ensure('agent', 'cli')
      // the agent identity of the operator's own commands
      await store.ensure('agent', 'operator-operator')
      const { port } = config.broker
      broker = opened.use(
        await EmbeddedBroker.start({ dataDir, log, ...(port !== undefined && { port }) }),
      )
    }
    const hub = new HubProcess(log)
    opened.defer(() => hub.stop(config.hub.stop_grace * 1000 + longestHubEndMs))
    const stopping = untilAskedToStop(() => hub.kill())
    const hubId = await Promise.race([hub.serving, stopping.then(() => null)])
    if (hubId !== null) {
      const { notify } = config
      if (notify.desktop || notify.webhook !== undefined) {
        const notifier = startNotifier(config, dataDir, log)
        opened.defer(() => notifier.stop())
      }
      const url = broker?.url ?? external?.servers.join(', ') ?? ''
      const page = config.console.enabled ? startConsole(config.console, dataDir, log) : undefined
      if (page) opened.defer(() => page.stop())
      const served = await Promise.race([page?.serving ?? null, stopping.then(() => null)])
      printAs(options, welcome(hubId, url, dataDir, served), {
        hub_id: hubId,
        broker: url,
        data_dir: dataDir,
        console: served,
      })
    }
    await Promise.race([stopping, hub.closed, ...(broker ? [broker.closed] : [])])
  })
}

/**
 * A webhook address is often a secret itself: passed where other users of the machine cannot see
 * it.
 */
function startNotifier({ notify }: HubConfig, dataDir: string, log: Logger): SpokeProcess {
  const args = ['notify', '--data', dataDir, '--secret-env', notify.secret_env]
  return new SpokeProcess(notify.desktop ? [...args, '--desktop'] : args, {
    log,
    env: notify.webhook === undefined ? {} : { CENTRALPOST_WEBHOOK: notify.webhook },
  })
}

/**
 * The hub as a child: restarted when it dies after it has served; a hub that never served ends `up`
 * too.
 */
class HubProcess {
  /** The hub's id, once it serves for the first time; rejects when it cannot. */
  readonly serving: Promise<string>
  /** Rejects when the hub cannot be kept running. */
  readonly closed: Promise<void>
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #child: ChildProcess | undefined

  constructor(log: Logger) {
    this.#log = log
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.serving = promise
    this.closed = this.#keepAlive(resolve)
    this.closed.catch(reject)
  }

  /**
   * @param withinMs time until a hub that does not exit is killed (it may be suspended, with its
   *   watchdog)
   */
  async stop(withinMs: number): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill('SIGTERM')
    const late = setTimeout(() => this.kill(), withinMs)
    await this.closed.catch(() => {
      // `closed` reports the error; here only the end counts
    })
    clearTimeout(late)
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  async #keepAlive(serving: (hubId: string) => void): Promise<void> {
    const { signal } = this.#stopping
    let hasServed = false
    const waits = new Backoff(firstWaitMs, longestWaitMs)
    for (;;) {
      const child = this.#start()
      this.#child = child
      child.on('message', (message) => {
        hasServed = true
        waits.reset()
        serving((message as { serving: string }).serving)
      })
      const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null]
      if (signal.aborted) return
      if (!hasServed) throw new HubFailed(code)
      this.#log.error('the hub died; restarting it', { code, signal: killedBy })
      await delay(waits.next(), undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  }

  #start(): ChildProcess {
    // its own process group: the terminal's Ctrl-C must reach it once, through this process
    return spawn(process.execPath, [...process.execArgv, bin, 'hub', ...process.argv.slice(3)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      detached: true,
    })
  }
}

/** The hub has printed the reason on stderr; only its exit status is passed on. */
class HubFailed extends CentralPostError {
  constructor(code: number | null) {
    super('unavailable', `the hub does not start (exit code ${code}); see above`)
  }
}

function welcome(
  hubId: string,
  broker: string,
  dataDir: string,
  page: ServingConsole | null,
): string {
  // npm adds programs to the PATH of its children only
  const program = process.env['npm_command'] === undefined ? 'centralpost' : 'npx centralpost'
  const hints = [
    ['request --wait -- git status', 'request an action'],
    ['pending --watch', 'decide on waiting actions'],
    ['tail', 'watch all events'],
    ['credentials add agent NAME', 'add another agent'],
  ] as const
  return [
    `CentralPost is up: hub ${hubId}, broker ${broker}, data in ${dataDir}`,
    '',
    ...(page === null
      ? []
      : [
          `Console: ${page.link ?? page.url}`,
          page.link === null
            ? `a sign-in link for a browser: ${program} console --link`
            : `signs one browser in, once, within ten minutes; for another: ${program} console --link`,
          '',
        ]),
    ...hints.map(([words, does]) => `  ${`${program} ${words}`.padEnd(48)} ${does}`),
    '',
    'Ctrl-C stops it.',
  ].join('\n')
}
