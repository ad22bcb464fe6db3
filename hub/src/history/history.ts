import { join } from 'node:path'
import { type Checkpoint, type Logger, messageOf } from '@centralpost/shared'
import { ApprovalStore } from './ledger/approval-store.ts'
import { AuditTrail } from './audit/audit-trail.ts'
import { putAway, sealSegment, toSegment } from './audit/segments.ts'
import type { ChainReport } from './audit/verify.ts'
import type { CommandHistory } from './threads/command-history.ts'
import { lockHistory, openStore } from './store/database.ts'
import type { Store, StoreLocation } from './store/dialect/dialect.ts'
import { GroupCommit } from './audit/group-commit.ts'
import { HubLease, type HubLeaseOptions } from './lease/hub-lease.ts'
import { Ledger } from './ledger/ledger.ts'
import { putAwayResults } from './ledger/put-away.ts'
import { type MaskingSettings, SecretKeeper } from './masking/secret-keeper.ts'
import { Memory } from './threads/history-threads.ts'
import { checkKeyIsThere, checkKeyOpens, checkLedgerIsThere, openOrMakeMemory } from './remains.ts'
import type { AuditorMethods } from './threads/history-thread.ts'
import { HistoryWorker } from './threads/history-worker.ts'

export interface HistoryOptions {
  readonly location: StoreLocation
  /** the folder of the history's key and segments */
  readonly dataDir: string
  readonly hubId: string
  readonly lease: Pick<HubLeaseOptions, 'marker' | 'leaseMs' | 'graceMs'>
  readonly masking: MaskingSettings
  /** the history is no longer reliable: the process must end */
  readonly onLost: (error: unknown) => void
  readonly log: Logger
  /** delay of the first full check of the trail after the start, in ms @default 30_000 */
  readonly lookThroughAfterMs?: number
}

const lookThroughAfterMs = 30_000

/**
 * The history of a hub: the ledger, written by the main thread; and derived data, on separate
 * threads, so that no query delays an action.
 */
export class History {
  readonly ledger: Ledger
  readonly approvals: ApprovalStore
  readonly secrets: SecretKeeper
  readonly lease: HubLease
  readonly #options: HistoryOptions
  readonly #store: Store
  readonly #commits: GroupCommit
  readonly #memory: Memory
  readonly #opened: AsyncDisposableStack

  private constructor(
    options: HistoryOptions,
    parts: {
      store: Store
      commits: GroupCommit
      secrets: SecretKeeper
      memory: Memory
      lease: HubLease
    },
    opened: AsyncDisposableStack,
  ) {
    this.#options = options
    this.#store = parts.store
    this.#commits = parts.commits
    this.#memory = parts.memory
    this.#opened = opened
    this.secrets = parts.secrets
    this.lease = parts.lease
    const { db, dialect } = parts.store
    const { commits, secrets } = parts
    this.ledger = new Ledger({ db, dialect, commits, secrets })
    this.approvals = new ApprovalStore(db, parts.commits, parts.secrets)
  }

  /**
   * @throws {CentralPostError} `storage` when the database or its key is unusable, `conflict` when
   *   another hub works on it
   */
  static async open(options: HistoryOptions): Promise<History> {
    const { location, dataDir, hubId, masking, log } = options
    await using opened = new AsyncDisposableStack()
    const lost = Promise.withResolvers<never>()
    lost.promise.catch(options.onLost)
    const onLost = (error: unknown): void => lost.reject(error)
    const release = await lockHistory(location, onLost)
    opened.defer(release)
    if (location.backend === 'sqlite') checkLedgerIsThere(location.dataDir)
    const store = await openStore(location, 'ledger')
    opened.defer(() => store.close())
    const { db, dialect } = store
    const lease = await HubLease.take(store, { ...options.lease, hubId, onLost, log })
    opened.defer(() => lease.release())
    const trail = new AuditTrail(db, dialect, lease.tenure)
    const onTold = (events: number) => memory.follow(events)
    const commits = new GroupCommit({ db, dialect, trail, onUncertain: onLost, onTold })
    lost.promise.catch((error: unknown) => commits.lose(error))
    await checkKeyIsThere(db, dataDir, log)
    const secrets = SecretKeeper.open(join(dataDir, 'history.key'), masking)
    await checkKeyOpens(db, secrets, dataDir)
    // opened once before the threads, so that its tables exist and its errors surface here
    await openOrMakeMemory(location, log)
    const memory = Memory.start({ location, hubId, log, hold: (work) => commits.hold(work) })
    opened.defer(() => memory.close())
    const history = new History(options, { store, commits, secrets, memory, lease }, opened.move())
    // events that a dead hub had sealed and not deleted yet
    void putAway(commits).catch((error: unknown) => {
      log.error('deleting sealed events failed', { error })
    })
    memory.follow()
    const later = setTimeout(
      () => void history.#lookThrough(),
      options.lookThroughAfterMs ?? lookThroughAfterMs,
    )
    later.unref()
    history.#opened.defer(() => clearTimeout(later))
    return history
  }

  /** Queries of the history; everything recorded before a query is included. */
  async ask<T>(question: (history: CommandHistory) => Promise<T>): Promise<T> {
    await this.#memory.caughtUp()
    return question(this.#memory.reader)
  }

  /** Adds to the learned patterns. */
  get learning(): Memory['writer'] {
    return this.#memory.writer
  }

  /** Recomputes the audit chain, on a separate thread. */
  async verify(checkpoints: readonly Checkpoint[] = []): Promise<ChainReport> {
    await this.#commits.idle()
    return this.#audit((auditor) => auditor.verify(checkpoints))
  }

  /** Removes results of actions that ended before a moment, in milliseconds since 1970. See `putAwayResults`. */
  putAwayResults(before: number): Promise<number> {
    return putAwayResults(this.#commits, before)
  }

  /** The sealed segments of the audit trail, oldest first. */
  async segments() {
    const rows = await this.#store.db
      .selectFrom('audit_segments')
      .selectAll()
      .orderBy('segment_id')
      .execute()
    return rows.map(toSegment)
  }

  /**
   * Seals all events before a time: writes them to a file, records that in the chain, and deletes
   * them from the database.
   *
   * @param before milliseconds since 1970
   * @throws {CentralPostError} `invalid_request` when there is nothing to seal, `storage` when the
   *   chain is broken there
   */
  async sealSegment(before: number, by: string): Promise<void> {
    // patterns cannot be learned from deleted events
    await this.#memory.caughtUp(60_000)
    const { dataDir } = this.#options
    const written = await this.#audit((auditor) => auditor.writeSegment(dataDir, before))
    await sealSegment(this.#commits, written, by)
  }

  /** Detects a file damaged while no hub was running, before any query meets it. */
  async #lookThrough(): Promise<void> {
    const { log } = this.#options
    try {
      const { intact, problem, firstBad } = await this.verify()
      if (intact) return
      log.error(
        'the history is damaged: everything recorded from that event on is unreliable; ' +
          'restore hub.db from a backup, or continue as it is (centralpost history verify reports the same)',
        { problem, event: firstBad },
      )
    } catch (error) {
      log.warn('checking the history failed', { error: messageOf(error) })
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#commits.idle()
    await this.#opened.disposeAsync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #audit<T>(work: (auditor: AuditorMethods) => Promise<T>): Promise<T> {
    const { location, hubId } = this.#options
    const worker = HistoryWorker.start({ role: 'auditor', location, hubId })
    try {
      return await work(worker.methods<AuditorMethods>())
    } finally {
      await worker.close()
    }
  }
}
