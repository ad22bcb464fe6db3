import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CentralPostError, type Logger, messageOf } from '@centralpost/shared'
import type { FromRunner, RunnerSettings, Sweep, ToRunner } from './runner-protocol.ts'
import type { EndReason, Outcome, Run, RunControls, Survivor } from './run.ts'

const main = fileURLToPath(new URL('./runner/main.ts', import.meta.url))

/**
 * A start costs what the memory of the starting process is: with Node's own settings a busy runner grows from 50 to
 * 110 MB, and starts two fifths fewer commands a second.
 */
const smallHeap = ['--max-semi-space-size=1', '--v8-pool-size=0']

/** How long a runner that was told to go may take before it is killed, beyond the grace period of commands. */
const leaveMs = 7000

export interface RunnerOptions {
  readonly settings: RunnerSettings
  /** Where Node keeps compiled code, which makes a runner smaller and its start faster; absent: nowhere. */
  readonly cacheDir?: string | undefined
  readonly log: Logger
}

interface Underway {
  readonly controls: RunControls
  /** Its listener has thrown, and the log knows. */
  isComplained: boolean
  readonly settle: (outcome: Outcome | null) => void
}

/**
 * One runner, seen from the hub: the process that starts commands, so that the hub's own size does not slow them and
 * their starts do not block the hub. It ends what it runs when the hub goes.
 */
export class RunnerProcess {
  readonly #options: RunnerOptions
  readonly #child: ChildProcess
  readonly #runs = new Map<string, Underway>()
  readonly #sweeps = new Map<number, (ended: readonly Survivor[] | null) => void>()
  readonly #ready = Promise.withResolvers<void>()
  /** Resolves when the process has ended, however that came. */
  readonly ended: Promise<void>
  #sweepId = 0
  #isGone = false
  #isDismissed = false

  constructor(options: RunnerOptions) {
    const { settings, cacheDir } = options
    this.#options = options
    this.#child = spawn(process.execPath, [...smallHeap, main], {
      // nothing of the hub's environment: what a command may read of its parent holds no secret
      env: {
        PATH: settings.path,
        MALLOC_ARENA_MAX: '1',
        ...(cacheDir !== undefined && { NODE_COMPILE_CACHE: cacheDir }),
      },
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // a Ctrl-C of the terminal is for the hub, which ends commands in order
      detached: true,
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      options.log.error('the runner says', { text: text.slice(0, 2000) })
    })
    this.#child.on('message', (message) => this.#receive(message as FromRunner))
    this.#ready.promise.catch(() => {
      // told to whoever waits for it
    })
    this.ended = this.#untilEnded()
    this.#send({ kind: 'settings', settings })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many commands it runs. */
  get load(): number {
    return this.#runs.size
  }

  /** Whether it was told to go. */
  get isDismissed(): boolean {
    return this.#isDismissed
  }

  /** Resolves when it takes work. @throws {CentralPostError} `unavailable` when it does not start */
  ready(): Promise<void> {
    return this.#ready.promise
  }

  /**
   * Runs a command.
   *
   * @returns null when the runner died meanwhile: then nobody knows how far the command came
   */
  async run(runId: string, run: Run, controls: RunControls): Promise<Outcome | null> {
    const { promise, resolve: settle } = Promise.withResolvers<Outcome | null>()
    this.#runs.set(runId, { controls, settle, isComplained: false })
    this.#send({ kind: 'run', runId, run, isLive: controls.onOutput !== undefined })
    return promise
  }

  /** Ends a command, unless it has ended. */
  end(runId: string, reason: EndReason): void {
    this.#send({ kind: 'end', runId, reason })
  }

  /** Ends what runs have left behind. Null when the runner died meanwhile. */
  async sweep(sweep: Sweep): Promise<readonly Survivor[] | null> {
    const { promise, resolve } = Promise.withResolvers<readonly Survivor[] | null>()
    this.#sweepId += 1
    this.#sweeps.set(this.#sweepId, resolve)
    this.#send({ kind: 'sweep', sweepId: this.#sweepId, ...sweep })
    return promise
  }

  /** Lets it end what still runs there, and waits for its end. */
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

  #send(message: ToRunner): void {
    if (!this.#child.connected) {
      if (this.#isGone) this.#giveUp()
      return
    }
    this.#child.send(message, (error) => {
      // its end is told by `ended`; until then nothing is known
      if (error !== null) {
        this.#options.log.debug('a message did not reach the runner', { error: messageOf(error) })
      }
    })
  }

  #receive(message: FromRunner): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve()
        break
      case 'started':
        this.#tell(message.runId, ({ onStart }) => onStart?.(message.pid))
        break
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
    // the channel's end comes after the last message, the exit may come before it
    const heardAll = once(this.#child, 'disconnect').catch(() => {})
    const [code, signal] = await once(this.#child, 'exit').catch((error: unknown) => [error, null])
    this.#isGone = true
    if (this.#child.pid !== undefined) await heardAll
    log.debug('a runner has ended', { pid: this.pid, code, signal })
    this.#ready.reject(
      new CentralPostError(
        'unavailable',
        `the process that runs commands ended at once (${String(signal ?? code)})`,
      ),
    )
    this.#giveUp()
  }

  /** Nothing more will be heard of what was under way. */
  #giveUp(): void {
    for (const { settle } of this.#runs.values()) settle(null)
    this.#runs.clear()
    for (const settle of this.#sweeps.values()) settle(null)
    this.#sweeps.clear()
  }
}
