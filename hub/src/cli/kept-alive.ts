import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CentralPostError, type Logger } from '@centralpost/shared'

const longestWaitMs = 30_000
/** Who has run for so long is well: the next start does not wait, in milliseconds. */
const wellMs = 10_000

/**
 * A spoke that `up` keeps running: a command of the operators' program in a process of its own, started again when it
 * dies. Hub and broker go on whatever becomes of it.
 */
export class SpokeProcess {
  readonly #program: string
  readonly #args: readonly string[]
  readonly #log: Logger
  readonly #env: NodeJS.ProcessEnv
  readonly #told: ((message: unknown) => void) | undefined
  readonly #stopping = new AbortController()
  /** Resolves when it is not started any more. */
  readonly ended: Promise<void>
  #child: ChildProcess | undefined

  /**
   * @param args of the operators' program, the command first
   * @param options.env variables besides our own
   * @param options.told hears what it says to its parent; one that ends before it has said anything cannot start, and is not
   * started again
   * @throws {CentralPostError} `not_found` where that program is not installed
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
    for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, longestWaitMs)) {
      const startedAt = performance.now()
      const child = spawn(process.execPath, [...process.execArgv, this.#program, ...this.#args], {
        stdio: ['ignore', 'ignore', 'inherit', ...(this.#told ? ['ipc' as const] : [])],
        env: this.#env,
        // a Ctrl-C of the terminal must reach it once, through us
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
      if (performance.now() - startedAt > wellMs) wait = 500
      this.#log.error('a spoke died; it is started again', { name, code, waitMs: wait })
      await delay(wait, undefined, { signal }).catch(() => {})
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

/** Where the operators' program is installed. Only its path is known here: hub and agents share nothing but the bus. */
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
