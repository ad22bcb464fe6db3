import { type Logger, messageOf } from '@centralpost/shared'
import type { CommandHistory } from './command-history.ts'
import type { StoreLocation } from '../store/dialect/dialect.ts'
import type { IndexerMethods } from './history-thread.ts'
import { HistoryWorker } from './history-worker.ts'

export interface MemoryOptions {
  readonly location: StoreLocation
  readonly hubId: string
  /** keeps the ledger from being written during a task */
  readonly hold: (work: () => Promise<unknown>) => Promise<void>
  readonly log: Logger
}

/**
 * Delay of indexing after a write, unless a query asks, in milliseconds: indexing should not
 * compete with an action.
 */
const laterMs = 300
const longestWaitMs = 10_000
/** Ratio of pauses to work while actions are being recorded and no query waits. */
const restPerWork = 2
/**
 * Above this size, in bytes, the ledger's log is emptied even during writes: a growing log is
 * slower to read, and each sync must also write its new length.
 */
const longestLog = 32 * 2 ** 20
/** With no more than this left, in bytes, writes may wait until it is moved. */
const shortLog = 2 * 2 ** 20
const mostRounds = 4
const againMs = 1000
/** Patterns are mined after this many new events, and at this interval at most. */
const eventsToMine = 2000
const leastBetweenMs = 600_000

/** The threads that follow the ledger and answer queries from derived data. */
export class Memory {
  readonly reader: CommandHistory
  readonly writer: Omit<IndexerMethods, 'index' | 'checkpoint'>
  readonly #indexer: HistoryWorker
  readonly #index: IndexerMethods
  readonly #options: MemoryOptions
  readonly #reader: HistoryWorker
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> | undefined
  #isBehind = false
  #isFarBehind = false
  #isClosed = false
  #asking = 0
  #rested: (() => void) | undefined
  #recordedAt = 0
  #recorded = 0
  #minedAt = Number.NEGATIVE_INFINITY

  private constructor(options: MemoryOptions, indexer: HistoryWorker, reader: HistoryWorker) {
    this.#options = options
    this.#indexer = indexer
    this.#reader = reader
    this.#index = indexer.methods<IndexerMethods>()
    this.writer = this.#index
    this.reader = reader.methods<CommandHistory>()
  }

  /** Starts the threads. The memory must have been opened once, so that its tables exist. */
  static start(options: MemoryOptions): Memory {
    const { location, hubId } = options
    return new Memory(
      options,
      HistoryWorker.start({ role: 'indexer', location, hubId }),
      HistoryWorker.start({ role: 'reader', location, hubId }),
    )
  }

  /** Reports a number of newly recorded events. */
  follow(events = 0): void {
    this.#isBehind = true
    this.#recorded += events
    this.#recordedAt = performance.now()
    if (this.#isClosed || this.#working || this.#timer) return
    this.#timer = setTimeout(() => this.#start(), laterMs)
    this.#timer.unref()
  }

  /**
   * Resolves when all earlier events are in the memory, or when that takes too long: the answer is
   * then slightly stale.
   */
  async caughtUp(waitMs = longestWaitMs): Promise<void> {
    // the backlog is too large to wait for: answers are stale
    if (this.#isFarBehind && waitMs === longestWaitMs) return
    const until = performance.now() + waitMs
    this.#asking += 1
    this.#rested?.()
    try {
      // the current run may have read the trail before the last event
      for (let round = 0; round < 2 && (this.#isBehind || this.#working); round += 1) {
        if (!this.#working) this.#start()
        const isDone = await within(this.#working, until - performance.now())
        this.#isFarBehind = !isDone
      }
    } finally {
      this.#asking -= 1
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#rested?.()
    clearTimeout(this.#timer)
    await Promise.all([this.#reader.close(), this.#indexer.close()])
    await this.#working
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#working ??= this.#run().finally(() => {
      this.#working = undefined
      this.#isFarBehind = false
      if (this.#isBehind) this.follow()
    })
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    try {
      this.#isBehind = false
      for (let isMore = true; isMore && !this.#isClosed;) {
        const began = performance.now()
        const done = await this.#index.index()
        if (done.log > longestLog) await this.#emptyLog(done.left)
        isMore = done.isMore
        if (isMore && this.#recordedAt > began) await this.#rest(performance.now() - began)
      }
      this.#mineNowAndThen()
    } catch (error) {
      if (this.#isClosed) return
      log.error('indexing the history failed; retrying', { error: messageOf(error) })
      this.#isBehind = true
      await new Promise((resolve) => setTimeout(resolve, againMs).unref())
    }
  }

  /**
   * The log restarts when all of it is moved and no writer is active: worth waiting for only when
   * little is left.
   */
  async #emptyLog(left: number): Promise<void> {
    for (let round = 0; left > shortLog && round < mostRounds; round += 1) {
      ;({ left } = await this.#index.checkpoint())
    }
    await this.#options.hold(() => this.#index.checkpoint())
  }

  /**
   * Two busy threads slow each other down where cores are few, and the recording one has priority.
   */
  async #rest(workedMs: number): Promise<void> {
    if (this.#asking > 0 || this.#isClosed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#rested = resolve
    const timer = setTimeout(resolve, workedMs * restPerWork)
    await promise
    clearTimeout(timer)
    this.#rested = undefined
  }

  #mineNowAndThen(): void {
    if (this.#recorded < eventsToMine || performance.now() - this.#minedAt < leastBetweenMs) return
    this.#recorded = 0
    this.#minedAt = performance.now()
    void this.#index.minePatterns().catch((error: unknown) => {
      if (!this.#isClosed)
        this.#options.log.error('mining patterns failed', { error: messageOf(error) })
    })
  }
}

/** @returns whether it finished in time */
async function within(work: Promise<unknown> | undefined, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), Math.max(0, ms))
  const isDone = await Promise.race([work?.then(() => true), promise])
  clearTimeout(timer)
  return isDone ?? true
}
