import type { Kysely, RawBuilder, Transaction } from 'kysely'
import type { SearchQuery } from '../search-query.ts'
import type { SearchText } from '../search-words.ts'
import type { Schema } from '../schema.ts'

export type Database = Kysely<Schema>
export type Tx = Transaction<Schema>

/** Where a history is kept. Plain data: it travels to worker threads. */
export type StoreLocation =
  | { readonly backend: 'sqlite'; readonly dataDir: string }
  | { readonly backend: 'postgres'; readonly url: string }

/**
 * The ledger is what was done, written by the hub's main thread only. The memory is what is derived from it (search
 * index, statistics, patterns), written behind it by one worker thread only.
 */
export type StorePart = 'ledger' | 'memory'

/** One hub's turn at a ledger. */
export interface Tenure {
  readonly hubId: string
  /** higher than that of every hub before */
  readonly epoch: number
}

/** What SQLite and PostgreSQL do differently. Everything else is one code path on Kysely. */
export interface StoreDialect {
  readonly name: 'sqlite' | 'postgres'
  /** Resolves when every commit that was made before the call survives the loss of power. */
  readonly makeDurable: () => Promise<void>
  /** whether other processes may write to the same ledger: then nothing about it may be kept in mind */
  readonly isShared: boolean
  /**
   * Runs a compiled statement of the hot path inside a transaction of the ledger.
   *
   * @returns the rows it returns, at once where the database is in the process
   */
  readonly run: <Row>(
    tx: Tx,
    text: string,
    values: readonly unknown[],
  ) => readonly Row[] | Promise<readonly Row[]>
  /**
   * Inserts an execution by a compiled statement that does nothing where the agent has used the action id before.
   *
   * @returns its number; undefined when it was there already
   */
  readonly insertExecution: (
    tx: Tx,
    text: string,
    values: readonly unknown[],
  ) => number | undefined | Promise<number | undefined>
  /** milliseconds since 1970, by the database's clock */
  readonly clock: RawBuilder<number>
  /**
   * Lets one transaction at a time add to the audit chain, until it ends.
   *
   * @param tenure whose turn it is to write; undefined: nobody's in particular
   * @throws an error of `isLeaseOver` when that turn is over
   */
  readonly lockChain: (tx: Tx, tenure: Tenure | undefined) => Promise<void> | void
  /** The newest executions that fit a search, newest first, as ids. */
  readonly newestHits: (
    db: Database,
    query: SearchQuery,
    bounds: { readonly before: number; readonly limit: number },
  ) => Promise<number[]>
  /** Makes an execution findable by its words, in place of what it was findable by. */
  readonly putSearchText: (tx: Tx, executionId: number, text: SearchText) => Promise<void>
  /** Finds damage below the level of rows in the audit trail. Null: there is none. */
  readonly structuralFault: (db: Database) => Promise<string | null>
  /** Brings tables up to date by `work`, which may rebuild those that others refer to. */
  readonly migrating: <T>(work: () => Promise<T>) => Promise<T>
  /** Moves what was committed from the log into the database file, where there is such a thing. */
  readonly checkpoint: () => Promise<CheckpointReport>
}

export interface CheckpointReport {
  /** bytes of the log */
  readonly log: number
  /** those of them that are not in the database file yet */
  readonly left: number
}

/** An open part of a store. */
export interface Store {
  readonly db: Database
  readonly dialect: StoreDialect
  close(): Promise<void>
}
