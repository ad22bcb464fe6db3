import type { AuditKind } from '@centralpost/shared'
import type { Database, StoreDialect, Tenure, Tx } from '../store/dialect/dialect.ts'
import { genesis, type HashedEvent, hashOfEvent } from './audit-hash.ts'

export interface AuditEntry {
  readonly timestamp: number
  readonly executionId: number | null
  readonly agentId: string
  readonly actionId: string
  readonly kind: AuditKind
  /** additional data: an object, by `asciiJson` */
  readonly data: string
}

interface Head {
  readonly seq: number
  readonly hash: string
}

/** Events per statement, largest sizes first: the rest goes into smaller ones. */
const rowsAtOnce = [8, 3, 2, 1]

/**
 * Appends events to the chain. A single writer caches the end of the chain; a failed transaction
 * resets the cache.
 */
export class AuditTrail {
  readonly #dialect: StoreDialect
  readonly #tenure: Tenure | undefined
  readonly #inserts: readonly { readonly rows: number; readonly sql: string }[]
  #head: Head | undefined

  /** @param tenure the hub's term, checked by every transaction; absent: unchecked */
  constructor(db: Database, dialect: StoreDialect, tenure?: Tenure) {
    this.#dialect = dialect
    this.#tenure = tenure
    const event = { seq: 0, timestamp: 0, execution_id: 0, agent_id: '', action_id: '', kind: '' }
    const row = { ...event, data: '', prev_hash: '', hash: '' }
    this.#inserts = rowsAtOnce.map((rows) => ({
      rows,
      sql: db
        .insertInto('audit_events')
        .values(Array.from({ length: rows }, () => row))
        .compile().sql,
    }))
  }

  /**
   * Call first in every transaction. @throws an error of `isLeaseOver` when another hub may write
   * instead
   */
  async begin(tx: Tx): Promise<void> {
    const locking = this.#dialect.lockChain(tx, this.#tenure)
    if (locking instanceof Promise) await locking
    if (this.#dialect.isShared) this.#head = undefined
    this.#head ??= await headOf(tx)
  }

  /** Appends events in order, inside the transaction of the reported change. */
  async append(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
    let at = 0
    for (const { rows, sql } of this.#inserts) {
      while (entries.length - at >= rows) {
        const values: unknown[] = []
        for (const end = at + rows; at < end; at += 1) this.#follow(entries[at], values)
        const written = this.#dialect.run(tx, sql, values)
        if (written instanceof Promise) await written
      }
    }
  }

  /** Appends the next event's columns to `values`. */
  #follow(entry: AuditEntry | undefined, values: unknown[]): void {
    const head = this.#head
    if (head === undefined || entry === undefined) {
      throw new TypeError('the audit chain was used without begin')
    }
    const event: HashedEvent = {
      seq: head.seq + 1,
      timestamp: entry.timestamp,
      execution_id: entry.executionId,
      agent_id: entry.agentId,
      action_id: entry.actionId,
      kind: entry.kind,
      data: entry.data,
      prev_hash: head.hash,
    }
    const hash = hashOfEvent(event)
    this.#head = { seq: event.seq, hash }
    const { seq, timestamp, execution_id, agent_id, action_id, kind, data, prev_hash } = event
    values.push(seq, timestamp, execution_id, agent_id, action_id, kind, data, prev_hash, hash)
  }

  /** Call after a rollback. */
  forget(): void {
    this.#head = undefined
  }
}

async function headOf(db: Tx): Promise<Head> {
  const last = await db
    .selectFrom('audit_events')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ?? { seq: 0, hash: genesis }
}
