import type { Kysely, RawBuilder, Transaction } from 'kysely'
import type { SearchQuery } from '../search-query.ts'
import type { SearchText } from '../search-words.ts'
import type { Schema } from '../schema.ts'

export type Database = Kysely<Schema>
export type Tx = Transaction<Schema>

/** The location of a history. Plain data: it is sent to worker threads. */
export type StoreLocation =
  | { readonly backend: 'sqlite'; readonly dataDir: string }
  | { readonly backend: 'postgres'; readonly url: string }

/**
 * The ledger records events, written only by the hub's main thread. The memory is derived from it
 * (search index, statistics, patterns), written behind it by one worker thread only.
 */
export type StorePart = 'ledger' | 'memory'

/** One hub's term on a ledger. */
export interface Tenure {
  readonly hubId: string
  /** higher than the epochs of all earlier hubs */
  readonly epoch: number
}

/** The differences between SQLite and PostgreSQL. All other code runs on both, through Kysely. */
export interface StoreDialect {
  readonly name: 'sqlite' | 'postgres'
  /** Resolves when all commits made before the call would survive a power failure. */
  readonly makeDurable: () => Promise<void>
  /** whether other processes may write to the same ledger: caching its state is then forbidden */
  readonly isShared: boolean
  /**
   * Runs a compiled statement of the hot path inside a transaction of the ledger.
   *
   * @returns the resulting rows, synchronously where the database is in the process
   */
  readonly run: <Row>(
    tx: Tx,
    text: string,
    values: readonly unknown[],
  ) => readonly Row[] | Promise<readonly Row[]>
  /**
   * Inserts an execution by a compiled statement that does nothing if the agent has used the action
   * id before.
   *
   * @returns its number; undefined for an existing action
   */
  readonly insertExecution: (
    tx: Tx,
    text: string,
    values: readonly unknown[],
  ) => number | undefined | Promise<number | undefined>
  /** milliseconds since 1970, by the database's clock */
  readonly clock: RawBuilder<number>
  /**
   * Serialises writers of the audit chain until the transaction ends.
   *
   * @param tenure the writing hub's term; undefined: unchecked
   * @throws an error of `isLeaseOver` when that term is over
   */
  readonly lockChain: (tx: Tx, tenure: Tenure | undefined) => Promise<void> | void
  /** The ids of the newest executions that match a search, newest first. */
  readonly newestHits: (
    db: Database,
    query: SearchQuery,
    bounds: { readonly before: number; readonly limit: number },
  ) => Promise<number[]>
  /** Indexes the words of an execution, replacing earlier ones. */
  readonly putSearchText: (tx: Tx, executionId: number, text: SearchText) => Promise<void>
  /** Finds damage below the level of rows in the audit trail. Null: none. */
  readonly structuralFault: (db: Database) => Promise<string | null>
  /** Runs a migration, which may rebuild tables that others refer to. */
  readonly migrating: <T>(work: () => Promise<T>) => Promise<T>
  /** Moves committed pages from the log into the database file, where such a log exists. */
  readonly checkpoint: () => Promise<CheckpointReport>
}

export interface CheckpointReport {
  /** size of the log in bytes */
  readonly log: number
  /** the part of them not yet in the database file */
  readonly left: number
}

/** An open part of a store. */
export interface Store {
  readonly db: Database
  readonly dialect: StoreDialect
  close(): Promise<void>
}
