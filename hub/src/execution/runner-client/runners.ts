import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError, type Logger, Backoff } from '@centralpost/shared'
import { RunnerProcess, type RunnerOptions } from './runner-process.ts'
import type { Survivor } from '../run.ts'
import type { Sweep } from '../runner-protocol.ts'

/** A runner that lived no longer than this (ms) is restarted with a delay. */
const shortLifeMs = 2000
const mostWaitMs = 5000
/** Limit of failed starts; the delays between them double. */
const mostStarts = 5

/** The runners of a hub: started on first use, and again after a death. */
export class Runners {
  readonly #options: RunnerOptions
  readonly #log: Logger
  readonly #places: (Promise<RunnerProcess> | undefined)[]
  readonly #lives = new Set<RunnerProcess>()
  readonly #stopping = new AbortController()
  #waitMs = 0
  readonly #pauses = new Backoff(200, mostWaitMs)
  #leaseUntil: number | undefined

  /** @param count number of processes that share the work */
  constructor(count: number, options: RunnerOptions) {
    this.#options = options
    this.#log = options.log
    this.#places = Array.from({ length: count })
  }

  /** The pids of living runners. */
  get pids(): number[] {
    return [...this.#lives].flatMap(({ pid }) => pid ?? [])
  }

  /**
   * Resolves when a runner is ready.
   *
   * @throws {CentralPostError} `unavailable` when none can be started
   */
  async ready(): Promise<void> {
    await Promise.all(this.#places.map((_, place) => this.#readyAt(place)))
  }

  /** The least busy runner, undefined when none lives. Commands given to it count immediately. */
  leastBusy(): RunnerProcess | undefined {
    return [...this.#lives].toSorted((one, other) => one.load - other.load)[0]
  }

  /** Allows commands until a time on the machine's clock; see `RunnerProcess.extendLease`. */
  extendLease(untilBootMs: number): void {
    this.#leaseUntil = untilBootMs
    for (const runner of this.#lives) runner.extendLease(untilBootMs)
  }

  /** Ends leftovers of runs; see `Commands.sweep`. */
  async sweep(sweep: Sweep): Promise<readonly Survivor[]> {
    for (;;) {
      const runner = await this.#readyAt(0)
      const ended = await runner.sweep(sweep)
      if (ended !== null) return ended
    }
  }

  /** Stops all runners and their commands. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#lives].map((runner) => runner.stop()))
  }

  /** One killed during its start says nothing about the next. */
  async #readyAt(place: number): Promise<RunnerProcess> {
    for (let starts = 1; ; starts += 1) {
      try {
        return await this.#at(place)
      } catch (error) {
        if (starts >= mostStarts || this.#stopping.signal.aborted) throw error
      }
    }
  }

  #at(place: number): Promise<RunnerProcess> {
    const known = this.#places[place]
    if (known !== undefined) return known
    const starting = this.#start(place).catch((error: unknown) => {
      // the next caller tries again
      if (this.#places[place] === starting) this.#places[place] = undefined
      throw error
    })
    this.#places[place] = starting
    return starting
  }

  async #start(place: number): Promise<RunnerProcess> {
    const { signal } = this.#stopping
    if (this.#waitMs > 0) await delay(this.#waitMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) throw new CentralPostError('unavailable', 'the executor was stopped')
    const { cacheDir } = this.#options
    const isCold = cacheDir !== undefined && !existsSync(cacheDir)
    const begun = performance.now()
    const runner = new RunnerProcess(this.#options)
    this.#lives.add(runner)
    if (this.#leaseUntil !== undefined) runner.extendLease(this.#leaseUntil)
    void runner.ended.then(() => {
      this.#lives.delete(runner)
      if (signal.aborted || runner.isDismissed) return
      this.#places[place] = undefined
      const isShort = performance.now() - begun < shortLifeMs
      if (!isShort) this.#pauses.reset()
      this.#waitMs = isShort ? this.#pauses.next() : 0
      this.#log.error('the process that runs commands has died; replacing it', {
        pid: runner.pid,
      })
    })
    await runner.ready()
    if (!isCold) return runner
    // a runner that compiled its code keeps the compiler, 20 MB of it; the next one loads the code
    // from the cache
    await runner.stop()
    return this.#start(place)
  }
}
