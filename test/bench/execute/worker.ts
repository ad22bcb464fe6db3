import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a worker measured: milliseconds of each, and of all together. */
export interface Measured {
  readonly each: readonly number[]
  readonly all: number
}

/** A process that measures, see `measure.mjs`. */
export class Worker {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(file: string, args: readonly string[] = []): Promise<Worker> {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`${file} ended with ${code}`)
    })
    failed.catch(() => {
      // told where it is raced; later an end is what was asked for
    })
    await Promise.race([once(child, 'message'), failed])
    return new Worker(child)
  }

  async measure(argument: unknown, count: number, parallel = 1): Promise<Measured> {
    const answer = await this.ask({ argument, count, parallel })
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }

  /** Sends a message and gives back the next one that comes. */
  // oxlint-disable-next-line typescript/no-explicit-any -- what comes back is the worker's business
  async ask(message: object | string): Promise<any> {
    const answered = once(this.#child, 'message')
    this.tell(message)
    const [answer] = await answered
    return answer
  }

  tell(message: object | string): void {
    this.#child.send(message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    const tooLong = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(tooLong)
  }
}
