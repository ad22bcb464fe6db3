import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Backoff, CentralPostError, type Logger } from '@centralpost/shared'

const firstWaitMs = 500
const longestWaitMs = 30_000
/** A child that ran this long (ms) counts as healthy; its restart is not delayed. */
const wellMs = 10_000

/**
 * A spoke that `up` keeps running: a command of the operators' program in its own process,
 * restarted when it dies. Its failures never affect hub and broker.
 */
export class SpokeProcess {
  readonly #program: string
  readonly #args: readonly string[]
  readonly #log: Logger
  readonly #env: NodeJS.ProcessEnv
  readonly #told: ((message: unknown) => void) | undefined
  readonly #stopping = new AbortController()
  /** Resolves when it is not restarted any more. */
  readonly ended: Promise<void>
  #child: ChildProcess | undefined

  /**
   * @param args of the operators' program, the command first
   * @param options.env additional variables
   * @param options.told receives IPC messages. A child that exits before its first message is not
   *   restarted.
   * @throws {CentralPostError} `not_found` when that program is not installed
   */
  constructor(
    args: readonly string[],
    options: {
      readonly log: Logger
      readonly env?: Readonly<Record<string, string>>
      readonly told?: (message: unknown) => void
    },
  ) {
    this.#program = findProgram()
    this.#args = args
    this.#log = options.log
    this.#env = { ...process.env, ...options.env }
    this.#told = options.told
    this.ended = this.#keepAlive()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill('SIGTERM')
    await this.ended
  }

  async #keepAlive(): Promise<void> {
    const { signal } = this.#stopping
    const [name] = this.#args
    let hasSaid = false
    const waits = new Backoff(firstWaitMs, longestWaitMs)
    while (!signal.aborted) {
      const startedAt = performance.now()
      const child = spawn(process.execPath, [...process.execArgv, this.#program, ...this.#args], {
        stdio: ['ignore', 'ignore', 'inherit', ...(this.#told ? ['ipc' as const] : [])],
        env: this.#env,
        // its own process group: the terminal's Ctrl-C must reach it once, through this process
        detached: true,
      })
      this.#child = child
      child.on('message', (message) => {
        hasSaid = true
        this.#told?.(message)
      })
      const code = await ending(child)
      if (signal.aborted) return
      if (this.#told && !hasSaid) {
        this.#log.warn('a spoke does not start; everything else does', { name, code })
        return
      }
      if (performance.now() - startedAt > wellMs) waits.reset()
      const waitMs = waits.next()
      this.#log.error('a spoke died; restarting it', { name, code, waitMs })
      await delay(waitMs, undefined, { signal }).catch(() => {})
    }
  }
}

async function ending(child: ChildProcess): Promise<unknown> {
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null]
    return code ?? killedBy
  } catch (error) {
    return error
  }
}

/**
 * The path of the operators' program. Only its path is known here: hub and agents share nothing but
 * the bus.
 */
function findProgram(): string {
  try {
    return fileURLToPath(import.meta.resolve('@centralpost/agents/program'))
  } catch (error) {
    throw new CentralPostError(
      'not_found',
      "the operators' program is not installed beside the hub: run `npm install` in the folder of CentralPost",
      { cause: error },
    )
  }
}
