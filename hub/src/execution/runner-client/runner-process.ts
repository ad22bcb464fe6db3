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
  /** How long a runner may be silent before it is taken for stuck (stopped, hanging) and killed, in ms. */
  readonly runnerSilenceMs: number
  readonly log: Logger
}

/** So many questions in a row that are not answered, and a runner is taken for stuck. */
const mostUnanswered = 5

/** After a runner's end: how long its last words may take. Somebody else may hold its end of the channel open. */
const lastWordsMs = 5000

interface Underway {
  readonly controls: RunControls
  leader: Leader | null
  /** Its listener has thrown, and the log knows. */
  isComplained: boolean
  readonly settle: (outcome: Outcome | LostRun) => void
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
      // nothing of the hub's environment: what a command may read of its parent holds no secret. The mark tells the
      // next hub whose runner it is, should this hub die and the runner be stuck
      env: {
        PATH: settings.path,
        MALLOC_ARENA_MAX: '1',
        [markNames.runnerOf]: settings.marker,
        ...(cacheDir !== undefined && { NODE_COMPILE_CACHE: cacheDir }),
      },
      cwd: '/',
      stdio: stdioOver(inheritedDescriptors(), nothing.fd),
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
    this.#asking = setInterval(() => this.#ask(), options.runnerSilenceMs / mostUnanswered)
    this.#asking.unref()
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
   * @returns what is known of the run when the runner died meanwhile: then nobody knows how far the command came
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

  /** Lets its commands run until a moment of the machine's clock (`bootMs`); then it ends them by itself. */
  extendLease(untilBootMs: number): void {
    this.#send({ kind: 'lease', untilBootMs })
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

  /** Asks whether it still works. One that is stopped or hangs would keep what it runs from ever ending. */
  #ask(): void {
    if (this.#unanswered >= mostUnanswered) {
      this.#options.log.error('the process that runs commands does not answer; it is killed', {
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
      // its end is told by `ended`; until then nothing is known
      if (error !== null) {
        this.#options.log.debug('a message did not reach the runner', { error: messageOf(error) })
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
    // the channel's end comes after the last message, the exit may come before it
    const heardAll = once(this.#child, 'disconnect').catch(() => {})
    const [code, signal] = await once(this.#child, 'exit').catch((error: unknown) => [error, null])
    this.#isGone = true
    clearInterval(this.#asking)
    if (this.#child.pid !== undefined) {
      await Promise.race([heardAll, delay(lastWordsMs, undefined, { ref: false })])
    }
    if (this.#child.connected) this.#child.disconnect()
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
    for (const [runId, { settle, leader }] of this.#runs) settle({ runId, leader })
    this.#runs.clear()
    for (const settle of this.#sweeps.values()) settle(null)
    this.#sweeps.clear()
  }
}

/** What the hub inherited is covered, or every command would get it, in the sandbox too. */
function stdioOver(inherited: readonly number[], nothing: number): StdioOptions {
  const stdio: (string | number)[] = ['ignore', 'ignore', 'pipe', 'ipc']
  for (const fd of inherited) stdio[fd] ??= nothing
  return Array.from(stdio, (one) => one ?? 'ignore') as StdioOptions
}

function openNothing(): { readonly fd: number } & Disposable {
  const fd = openSync('/dev/null', 'r')
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}
