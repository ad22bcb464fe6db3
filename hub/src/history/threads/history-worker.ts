import { Worker } from 'node:worker_threads'
import { CentralPostError, type ProblemCode, problemCodes } from '@centralpost/shared'
import type { WorkerCall, WorkerReply, WorkerStart } from './worker-messages.ts'

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

type Methods = Record<keyof never, unknown>

/** A history thread, seen from the hub's main thread. The next call restarts a dead one. */
export class HistoryWorker {
  readonly #start: WorkerStart
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #last = 0
  #isClosed = false

  private constructor(start: WorkerStart) {
    this.#start = start
  }

  /** Starts a thread. Calls may follow immediately: it answers once it has opened the history. */
  static start(start: WorkerStart): HistoryWorker {
    const it = new HistoryWorker(start)
    it.#worker = it.#open()
    return it
  }

  /** Its methods, as an object whose calls run in the thread. */
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

  /** Ends it after its current call. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    if (worker === undefined) return
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    worker.postMessage({ id: -1, method: 'close', args: [] } satisfies WorkerCall)
    // safe at any point: it writes in transactions
    const timer = setTimeout(() => void worker.terminate(), 2000)
    await gone
    clearTimeout(timer)
  }

  #open(): Worker {
    const worker = new Worker(new URL('history-thread.ts', import.meta.url), {
      workerData: this.#start,
      name: `history ${this.#start.role}`,
      // flags of a test runner must not apply to it
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // a batch's objects die soon: a small young generation collects them early
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    })
    worker.on('message', (reply: WorkerReply) => this.#settle(reply))
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, new Error('the history thread has ended')))
    return worker
  }

  #call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new Error('the history is closed'))
    this.#worker ??= this.#open()
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

  #lose(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function rebuilt({ code, message }: { code: string; message: string }): Error {
  const known = problemCodes.find((one): one is ProblemCode => one === code)
  return known === undefined ? new Error(message) : new CentralPostError(known, message)
}
