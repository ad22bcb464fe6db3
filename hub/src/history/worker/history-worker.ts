import { Worker } from 'node:worker_threads'
import { CentralPostError, type ProblemCode, problemCodes } from '@centralpost/shared'
import type { WorkerCall, WorkerReply, WorkerStart } from './worker-messages.ts'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

type Methods = Record<keyof never, unknown>

/** A history thread, seen from the hub's main thread. */
export class HistoryWorker {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #gone: Error | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (reply: WorkerReply) => this.#settle(reply))
    worker.on('error', (error) => this.#lose(error))
    worker.on('exit', () => this.#lose(new Error('the history thread has ended')))
  }

  /** Starts a thread. It may be called at once: it answers when it has opened the history. */
  static start(start: WorkerStart): HistoryWorker {
    return new HistoryWorker(
      new Worker(new URL('history-thread.ts', import.meta.url), {
        workerData: start,
        name: `history ${start.role}`,
        // the flags of a test runner are none of its business
        execArgv: ['--disable-warning=ExperimentalWarning'],
      }),
    )
  }

  /** What it serves, as an object whose methods are called over there. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- who starts a thread knows what it serves
  methods<T extends object>(): T {
    const none: Methods = {}
    return new Proxy(none, {
      get:
        (_target, method) =>
        (...args: readonly unknown[]) =>
          this.#call(String(method), args),
    }) as T
  }

  /** Ends it when it has answered what it is working on. May be called twice. */
  async close(): Promise<void> {
    if (this.#gone) return
    const gone = new Promise((resolve) => this.#worker.once('exit', resolve))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage({ id: -1, method: 'close', args: [] } satisfies WorkerCall)
    // whatever it is in the middle of: it writes in transactions
    const timer = setTimeout(() => void this.#worker.terminate(), 2000)
    await gone
    clearTimeout(timer)
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone) return Promise.reject(this.#gone)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#last += 1
    this.#waiting.set(this.#last, { resolve, reject })
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    this.#worker.postMessage({ id: this.#last, method, args } satisfies WorkerCall)
    return promise
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.ok) waiting?.resolve(reply.value)
    else waiting?.reject(rebuilt(reply))
  }

  #lose(error: Error): void {
    this.#gone ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function rebuilt({ code, message }: { code: string; message: string }): Error {
  const known = problemCodes.find((one): one is ProblemCode => one === code)
  return known === undefined ? new Error(message) : new CentralPostError(known, message)
}
