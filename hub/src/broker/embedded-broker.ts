import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError, type Logger, messageOf, Backoff } from '@centralpost/shared'
import { brokerPaths, ensureBrokerState, urlOfPort, writeBrokerState } from './broker-state.ts'
import { CredentialStore } from './credentials.ts'
import { makePrivateFolder } from '@centralpost/shared/private-files'
import { findNatsServer } from './find-nats-server.ts'
import type { Identity } from './identity.ts'
import { LockFile } from './lock-file.ts'
import { freePort, isPortFree, loopback } from './ports.ts'
import { hasJetStream, until } from './probe.ts'
import { reloadBroker, takeReloadLock, writeBrokerConfig } from './reload.ts'
import { lastFault, removeOldLogs } from './server-log.ts'
import { ServerProcess } from './server-process.ts'
import { endStaleServer } from './stale-server.ts'

/**
 * JetStream reads its whole store before it answers, which takes long after a crash with a large
 * store.
 */
const readyMs = 60_000
const firstRestartMs = 50
const longestRestartMs = 5000
const defaultRestartAttempts = 10
/** Another process can take a picked port before the start. */
const portAttempts = 5

export interface EmbeddedBrokerOptions {
  readonly dataDir: string
  /** the port to listen on; picked once and remembered when absent */
  readonly port?: number
  /** path of nats-server; searched for when absent */
  readonly binary?: string
  /** limit of consecutive failed restarts @default 10 */
  readonly restartAttempts?: number
  readonly log: Logger
}

/**
 * A real nats-server as a child of this process, on loopback, with JetStream and one identity per
 * agent.
 *  `start` resolves once it answers. A server that dies is restarted on the same port; `closed`
 * rejects when that fails. `stop` ends it, and so does the end of this process, however it comes.
 */
export class EmbeddedBroker {
  readonly url: string
  readonly dataDir: string
  /** Resolves when the broker was stopped; rejects when it cannot be kept running. */
  readonly closed: Promise<void>
  readonly #binary: string
  readonly #hub: Identity
  readonly #port: number
  readonly #lock: LockFile
  readonly #restartAttempts: number
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #server: ServerProcess
  #stopped: Promise<void> | undefined

  private constructor(parts: {
    readonly dataDir: string
    readonly binary: string
    readonly hub: Identity
    readonly port: number
    readonly lock: LockFile
    readonly restartAttempts: number
    readonly log: Logger
    readonly server: ServerProcess
  }) {
    this.dataDir = parts.dataDir
    this.url = urlOfPort(parts.port)
    this.#binary = parts.binary
    this.#hub = parts.hub
    this.#port = parts.port
    this.#lock = parts.lock
    this.#restartAttempts = parts.restartAttempts
    this.#log = parts.log
    this.#server = parts.server
    this.closed = this.#keepAlive()
    // Without a listener on `closed`, the error is only logged, not fatal.
    this.closed.catch(() => {})
  }

  /**
   * Starts the broker of a data directory.
   *
   * @throws {CentralPostError} `conflict` when another process runs it or the configured port is
   *   taken, `unavailable` when
   *   nats-server is missing or does not start, `storage` when the directory is not writable
   */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const { log } = options
    const dataDir = resolve(options.dataDir)
    const paths = brokerPaths(dataDir)
    const { path: binary, version } = await findNatsServer(options)
    for (const folder of [dataDir, paths.folder]) await makePrivateFolder(folder)

    await using opened = new AsyncDisposableStack()
    const lock = opened.use(await takeBrokerLock(dataDir))
    await endStaleServer(dataDir)
    await removeOldLogs(paths.log)
    // Held until the server answers: an identity added meanwhile triggers its own reload.
    await using reloading = await takeReloadLock(dataDir)
    for (let attempt = 1; ; attempt += 1) {
      const port = await choosePort(dataDir, options.port)
      const hub = await prepare(dataDir, port)
      try {
        const server = await launch({ binary, dataDir, port, hub })
        opened.defer(() => server.end())
        await remember(dataDir, port, server.pid)
        opened.move()
        log.info('broker started', { url: urlOfPort(port), version, pid: server.pid, dataDir })
        const restartAttempts = options.restartAttempts ?? defaultRestartAttempts
        return new EmbeddedBroker({
          dataDir,
          binary,
          hub,
          port,
          lock,
          restartAttempts,
          log,
          server,
        })
      } catch (error) {
        if (attempt === portAttempts || (await isPortFree(port))) throw error
      }
    }
  }

  /** The server's process id; changes with each restart. */
  get pid(): number {
    return this.#server.pid
  }

  /** Reloads the identities of the data directory; disconnects only revoked ones. */
  async reload(): Promise<void> {
    await reloadBroker(this.dataDir)
  }

  /** Stops the server and releases the data directory. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #end(): Promise<void> {
    this.#stopping.abort()
    await this.#server.end()
    await Promise.allSettled([this.closed])
    await remember(this.dataDir, this.#port)
    await this.#lock.release()
    this.#log.info('broker stopped', { url: this.url })
  }

  async #keepAlive(): Promise<void> {
    for (;;) {
      const how = await this.#server.exited
      if (this.#stopping.signal.aborted) return
      this.#log.warn('nats-server exited; restarting it', { how, url: this.url })
      await this.#revive()
      // Stopped just as the new server became ready: `stop` has ended only the previous one.
      if (this.#stopping.signal.aborted) await this.#server.end()
    }
  }

  async #revive(): Promise<void> {
    const { signal } = this.#stopping
    const pauses = new Backoff(firstRestartMs, longestRestartMs)
    let waitMs = pauses.next()
    for (let attempt = 1; ; attempt += 1) {
      try {
        await delay(waitMs, undefined, { signal })
        this.#server = await launch({
          binary: this.#binary,
          dataDir: this.dataDir,
          port: this.#port,
          hub: this.#hub,
          signal,
        })
        break
      } catch (error) {
        if (signal.aborted) return
        waitMs = pauses.next()
        if (attempt < this.#restartAttempts) {
          this.#log.warn('nats-server did not start', { error: messageOf(error), waitMs })
          continue
        }
        this.#log.error('the broker cannot be kept running', { error })
        throw error
      }
    }
    this.#log.info('broker is back', { url: this.url, pid: this.#server.pid })
    try {
      await remember(this.dataDir, this.#port, this.#server.pid)
    } catch (error) {
      this.#log.warn('reloads will not reach the broker until its next start', { error })
    }
  }
}

async function takeBrokerLock(dataDir: string): Promise<LockFile> {
  const taken = await LockFile.tryTake(brokerPaths(dataDir).lock)
  if (taken instanceof LockFile) return taken
  throw new CentralPostError(
    'conflict',
    `process ${taken.pid} runs the broker of ${dataDir}: stop it first, or choose another ` +
      'data directory with --data',
  )
}

async function choosePort(dataDir: string, configured: number | undefined): Promise<number> {
  if (configured !== undefined) {
    if (await isPortFree(configured)) return configured
    throw new CentralPostError(
      'conflict',
      `port ${configured} on ${loopback} is in use: stop the other process, choose another ` +
        'port, or leave it out to pick a free one',
    )
  }
  const { port } = await ensureBrokerState(dataDir)
  return (await isPortFree(port)) ? port : freePort()
}

/**
 * Writes everything that a server on this port needs, and returns the identity of the readiness
 * probe.
 */
async function prepare(dataDir: string, port: number): Promise<Identity> {
  await remember(dataDir, port)
  const store = await CredentialStore.open(dataDir)
  await store.moveTo(urlOfPort(port))
  await writeBrokerConfig(dataDir)
  return store.own('hub')
}

async function remember(dataDir: string, port: number, pid?: number): Promise<void> {
  const { config } = brokerPaths(dataDir)
  const state = { url: urlOfPort(port), port, ...(pid !== undefined && { pid }), config }
  await writeBrokerState(dataDir, state)
}

/** Starts one server and waits until JetStream answers; ends it on failure. */
async function launch(options: {
  readonly binary: string
  readonly dataDir: string
  readonly port: number
  readonly hub: Identity
  readonly signal?: AbortSignal
}): Promise<ServerProcess> {
  const paths = brokerPaths(options.dataDir)
  const since = Date.now()
  const server = await ServerProcess.start(options.binary, paths.config)
  const gone = new AbortController()
  void server.exited.then(async (how) => {
    const fault = (await lastFault(paths.log, since)) ?? how
    gone.abort(
      new CentralPostError(
        'unavailable',
        `nats-server exited during its start (${fault}): see ${paths.log}`,
      ),
    )
  })
  const signals = options.signal ? [gone.signal, options.signal] : [gone.signal]
  try {
    await until(() => hasJetStream(options.port, options.hub), {
      withinMs: readyMs,
      what: `JetStream of the broker on port ${options.port} did not answer`,
      signal: AbortSignal.any(signals),
    })
    return server
  } catch (error) {
    await server.end()
    throw error
  }
}
