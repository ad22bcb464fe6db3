import { type ChildProcess, spawn } from 'node:child_process'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import { waitFor } from '../spoke/deadline.ts'

/** Limit of a process's kept output, in characters. */
const maxKept = 64 * 1024
/** How long a dead process's output may take to arrive, in milliseconds. */
const lastWordsMs = 500

/** A process of the demo, with its output and exit status. */
export class DemoProcess {
  readonly name: string
  readonly pid: number
  /** the exit code, or the signal's name */
  readonly ended: Promise<number | string>
  readonly #child: ChildProcess
  #printed = ''
  #hasEnded = false

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.pid = child.pid ?? 0
    this.#child = child
    this.ended = this.#end()
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(-maxKept)
      })
    }
  }

  /**
   * Starts a program with this process's Node, in a process group of its own: Ctrl-C reaches it
   * once, through this process.
   *
   * @param options.isTied whether it ends when its IPC channel closes, so that it never outlives
   *   this process
   */
  static start(
    name: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    options: { readonly isTied: boolean },
  ): DemoProcess {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.isTied ? (['ipc'] as const) : [])],
      detached: true,
      env,
    })
    return new DemoProcess(name, child)
  }

  /** The end of its output. */
  get printed(): string {
    return this.#printed
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /**
   * Waits for a clean exit.
   *
   * @throws {CentralPostError} `internal` with its output when it failed, `unavailable` when it
   *   takes too long
   */
  async succeeded(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const wait = { timeoutMs, ...(signal && { signal }) }
    const how = await waitFor(this.ended, wait, () => this.#fault(`took over ${timeoutMs} ms`))
    if (how !== 0) throw this.#fault(`exited with ${how}`)
  }

  /** Asks it to exit; kills it when it does not. */
  async stop(graceMs: number): Promise<void> {
    if (this.#hasEnded) return
    if (this.#child.connected) this.#child.disconnect()
    else this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    await this.ended
    clearTimeout(force)
  }

  async #end(): Promise<number | string> {
    const child = this.#child
    const { promise, resolve } = Promise.withResolvers<number | string>()
    child.once('error', (error) => resolve(error.message))
    // `close` does not come after a disconnect (seen on Node 24.21)
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
    const how = await promise
    const streams = [child.stdout, child.stderr].filter((stream) => stream !== null)
    const read = streams.map((stream) => finished(stream))
    await Promise.race([Promise.allSettled(read), delay(lastWordsMs, undefined, { ref: false })])
    this.#hasEnded = true
    return how
  }

  #fault(how: string): CentralPostError {
    return new CentralPostError('internal', `${this.name} ${how}:\n${this.#printed.trim()}`)
  }
}
