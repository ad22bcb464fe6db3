import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import { inheritedDescriptors } from './inherited-descriptors.ts'
import { markNames } from '../processes/marks.ts'
import type { FromRunner, LostRun, RunnerSettings, Sweep, ToRunner } from '../runner-protocol.ts'
import type { EndReason, Outcome, Run, RunControls, Survivor } from '../run.ts'
import type { Leader } from '../processes/leader.ts'

const main = fileURLToPath(new URL('../runner/main.ts', import.meta.url))

/**
 * Forking costs as much as the parent's memory is large: with Node's default settings a busy runner
 * grows from 50 to 110 MB, and starts two fifths fewer commands a second.
 */
const smallHeap = ['--max-semi-space-size=1', '--v8-pool-size=0']

/**
 * Time for a stopping runner beyond the grace period of commands, in milliseconds; then it is
 * killed.
 */
const leaveMs = 7000

export interface RunnerOptions {
  readonly settings: RunnerSettings
  /** Node's compile cache, which makes a runner smaller and its start faster; absent: no cache. */
  readonly cacheDir?: string | undefined
  /**
   * How long a runner may be silent before it counts as stuck (stopped, hanging) and is killed, in
   * ms.
   */
  readonly runnerSilenceMs: number
  readonly log: Logger
}

/** Unanswered pings after which a runner counts as stuck. */
const mostUnanswered = 5

/**
 * How long a dead runner's last messages may take, in milliseconds. Another process may hold its
 * end of the channel open.
 */
const lastWordsMs = 5000

interface Underway {
  readonly controls: RunControls
  leader: Leader | null
  /** Its listener has thrown, which the log shows. */
  isComplained: boolean
  readonly settle: (outcome: Outcome | LostRun) => void
}

/**
 * One runner, seen from the hub: the process that starts commands, so that the hub's size does not
 * slow the starts and the starts do not block the hub. A runner ends its commands when the hub
 * goes.
 */
export class RunnerProcess {
  readonly #options: RunnerOptions
  readonly #child: ChildProcess
  readonly #runs = new Map<string, Underway>()
  readonly #sweeps = new Map<number, (ended: readonly Survivor[] | null) => void>()
  readonly #ready = Promise.withResolvers<void>()
  /** Resolves when the process has ended, for any reason. */
  readonly ended: Promise<void>
  readonly #asking: NodeJS.Timeout
  #unanswered = 0
  #sweepId = 0
  #isGone = false
  #isDismissed = false

  constructor(options: RunnerOptions) {
    const { settings, cacheDir } = options
    this.#options = options
    using nothing = openNothing()
    this.#child = spawn(process.execPath, [...smallHeap, main], {
      // no variables of the hub: commands may read their parent's environment, so it must contain
      // no secret. The mark tells the next hub whose runner it is, should this hub die and the
      // runner be stuck
      env: {
        PATH: settings.path,
        MALLOC_ARENA_MAX: '1',
        [markNames.runnerOf]: settings.marker,
        ...(cacheDir !== undefined && { NODE_COMPILE_CACHE: cacheDir }),
      },
      cwd: '/',
      stdio: stdioOver(inheritedDescriptors(), nothing.fd),
      // the terminal's Ctrl-C is for the hub, which ends commands in order
      detached: true,
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      options.log.error('message of the runner', { text: text.slice(0, 2000) })
    })
    this.#child.on('message', (message) => this.#receive(message as FromRunner))
    this.#ready.promise.catch(() => {
      // reported to its waiters
    })
    this.#asking = setInterval(() => this.#ask(), options.runnerSilenceMs / mostUnanswered)
    this.#asking.unref()
    this.ended = this.#untilEnded()
    this.#send({ kind: 'settings', settings })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The number of running commands. */
  get load(): number {
    return this.#runs.size
  }

  /** Whether it is stopping. */
  get isDismissed(): boolean {
    return this.#isDismissed
  }

  /** Resolves when it is ready. @throws {CentralPostError} `unavailable` when it does not start */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /**
   * Runs a command.
   *
   * @returns the known facts of the run if the runner died meanwhile: how far the command came is
   *   unknown
   */
  async run(runId: string, run: Run, controls: RunControls): Promise<Outcome | LostRun> {
    const { promise, resolve: settle } = Promise.withResolvers<Outcome | LostRun>()
    this.#runs.set(runId, { controls, settle, leader: null, isComplained: false })
    this.#send({ kind: 'run', runId, run, isLive: controls.onOutput !== undefined })
    return promise
  }

  /** Ends a command, unless it has ended. */
  end(runId: string, reason: EndReason): void {
    this.#send({ kind: 'end', runId, reason })
  }

  /**
   * Allows commands until a time on the machine's clock (`bootMs`); the runner ends them then by
   * itself.
   */
  extendLease(untilBootMs: number): void {
    this.#send({ kind: 'lease', untilBootMs })
  }

  /** Ends leftovers of runs. Null when the runner died meanwhile. */
  async sweep(sweep: Sweep): Promise<readonly Survivor[] | null> {
    const { promise, resolve } = Promise.withResolvers<readonly Survivor[] | null>()
    this.#sweepId += 1
    this.#sweeps.set(this.#sweepId, resolve)
    this.#send({ kind: 'sweep', sweepId: this.#sweepId, ...sweep })
    return promise
  }

  /** Has it end its commands, and waits for its exit. */
  async stop(): Promise<void> {
    this.#isDismissed = true
    if (this.#child.connected) this.#child.disconnect()
    const late = setTimeout(
      () => this.#child.kill('SIGKILL'),
      this.#options.settings.killGraceMs + leaveMs,
    )
    await this.ended
    clearTimeout(late)
  }

  /** Pings it. A stopped or hanging runner would never end its commands. */
  #ask(): void {
    if (this.#unanswered >= mostUnanswered) {
      this.#options.log.error('the process that runs commands does not answer; killing it', {
        pid: this.pid,
      })
      this.#child.kill('SIGKILL')
      return
    }
    this.#unanswered += 1
    this.#send({ kind: 'ping' })
  }

  #send(message: ToRunner): void {
    if (!this.#child.connected) {
      if (this.#isGone) this.#giveUp()
      return
    }
    this.#child.send(message, (error) => {
      // `ended` reports its end; until then nothing is known
      if (error !== null) {
        this.#options.log.debug('sending a message to the runner failed', {
          error: messageOf(error),
        })
      }
    })
  }

  #receive(message: FromRunner): void {
    this.#unanswered = 0
    switch (message.kind) {
      case 'pong':
        break
      case 'ready':
        this.#ready.resolve()
        break
      case 'started': {
        const { runId, leader } = message
        const underway = this.#runs.get(runId)
        if (underway !== undefined) underway.leader = leader
        this.#tell(runId, ({ onStart }) => onStart?.(leader.pid))
        break
      }
      case 'output':
        this.#tell(message.runId, ({ onOutput }) => onOutput?.(message.chunk))
        break
      case 'outcome': {
        const { runId, outcome } = message
        const underway = this.#runs.get(runId)
        this.#runs.delete(runId)
        underway?.settle(outcome)
        break
      }
      case 'swept':
        this.#sweeps.get(message.sweepId)?.(message.ended)
        this.#sweeps.delete(message.sweepId)
        break
      case 'log':
        this.#options.log[message.level](message.message, message.fields)
        break
    }
  }

  #tell(runId: string, listener: (controls: RunControls) => void): void {
    const underway = this.#runs.get(runId)
    if (underway === undefined) return
    try {
      listener(underway.controls)
    } catch (error) {
      if (underway.isComplained) return
      underway.isComplained = true
      this.#options.log.warn('a listener of a run failed', { runId, error: messageOf(error) })
    }
  }

  async #untilEnded(): Promise<void> {
    const { log } = this.#options
    // the channel closes after the last message; the exit event may come earlier
    const heardAll = once(this.#child, 'disconnect').catch(() => {})
    const [code, signal] = await once(this.#child, 'exit').catch((error: unknown) => [error, null])
    this.#isGone = true
    clearInterval(this.#asking)
    if (this.#child.pid !== undefined) {
      await Promise.race([heardAll, delay(lastWordsMs, undefined, { ref: false })])
    }
    if (this.#child.connected) this.#child.disconnect()
    log.debug('a runner has exited', { pid: this.pid, code, signal })
    this.#ready.reject(
      new CentralPostError(
        'unavailable',
        `the process that runs commands exited during its start (${String(signal ?? code)})`,
      ),
    )
    this.#giveUp()
  }

  /** Fails the requests in flight, which will get no answer. */
  #giveUp(): void {
    for (const [runId, { settle, leader }] of this.#runs) settle({ runId, leader })
    this.#runs.clear()
    for (const settle of this.#sweeps.values()) settle(null)
    this.#sweeps.clear()
  }
}

/** Covers inherited descriptors, which every command would get, even in the sandbox. */
function stdioOver(inherited: readonly number[], nothing: number): StdioOptions {
  const stdio: (string | number)[] = ['ignore', 'ignore', 'pipe', 'ipc']
  for (const fd of inherited) stdio[fd] ??= nothing
  return Array.from(stdio, (one) => one ?? 'ignore') as StdioOptions
}

function openNothing(): { readonly fd: number } & Disposable {
  const fd = openSync('/dev/null', 'r')
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}
