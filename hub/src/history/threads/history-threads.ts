import { type Logger, messageOf } from '@centralpost/shared'
import type { CommandHistory } from './command-history.ts'
import type { StoreLocation } from '../store/dialect/dialect.ts'
import type { IndexerMethods } from './history-thread.ts'
import { HistoryWorker } from './history-worker.ts'

export interface MemoryOptions {
  readonly location: StoreLocation
  readonly hubId: string
  /** keeps the ledger from being written while something is done */
  readonly hold: (work: () => Promise<unknown>) => Promise<void>
  readonly log: Logger
}

/** What was recorded is indexed so long after, unless somebody asks: an action should not share the machine with it. */
const laterMs = 300
const longestWaitMs = 10_000
/** How long it rests for what it worked, while actions are being recorded and nobody asks. */
const restPerWork = 2
/**
 * Over this many bytes the ledger's log must be emptied although it is being written: one that only grows is slower to
 * read, and each sync of it has its new length to write as well.
 */
const longestLog = 32 * 2 ** 20
/** With no more than this left of it, recording may wait until that is moved, too. */
const shortLog = 2 * 2 ** 20
const mostRounds = 4
const againMs = 1000
/** Patterns are looked for after so many new events, and not more often than this. */
const eventsToMine = 2000
const leastBetweenMs = 600_000

/** The threads that follow the ledger and answer from what they made of it. */
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

  /** Starts the threads. The memory must have been opened once, so that its tables are there. */
  static start(options: MemoryOptions): Memory {
    const { location, hubId } = options
    return new Memory(
      options,
      HistoryWorker.start({ role: 'indexer', location, hubId }),
      HistoryWorker.start({ role: 'reader', location, hubId }),
    )
  }

  /** So many events were recorded. */
  follow(events = 0): void {
    this.#isBehind = true
    this.#recorded += events
    this.#recordedAt = performance.now()
    if (this.#isClosed || this.#working || this.#timer) return
    this.#timer = setTimeout(() => this.#start(), laterMs)
    this.#timer.unref()
  }

  /**
   * Resolves when all that was recorded before is in the memory, or when that takes too long: then the answer is of a
   * moment ago.
   */
  async caughtUp(waitMs = longestWaitMs): Promise<void> {
    // so much to take up that waiting for it is hopeless: answers are of what there is
    if (this.#isFarBehind && waitMs === longestWaitMs) return
    const until = performance.now() + waitMs
    this.#asking += 1
    this.#rested?.()
    try {
      // what is under way may have read the trail before the last event
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
      log.error('the history could not be indexed; trying again', { error: messageOf(error) })
      this.#isBehind = true
      await new Promise((resolve) => setTimeout(resolve, againMs).unref())
    }
  }

  /** The log is begun anew when all of it is moved and nobody writes: little must be left before that is waited for. */
  async #emptyLog(left: number): Promise<void> {
    for (let round = 0; left > shortLog && round < mostRounds; round += 1) {
      ;({ left } = await this.#index.checkpoint())
    }
    await this.#options.hold(() => this.#index.checkpoint())
  }

  /** Two threads at full speed slow each other down where cores are few, and the one that records is waited for. */
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
        this.#options.log.error('patterns could not be mined', { error: messageOf(error) })
    })
  }
}

/** @returns whether it was done within the time */
async function within(work: Promise<unknown> | undefined, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), Math.max(0, ms))
  const isDone = await Promise.race([work?.then(() => true), promise])
  clearTimeout(timer)
  return isDone ?? true
}
