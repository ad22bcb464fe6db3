import type { AuditKind } from '@centralpost/shared'
import type { Database, StoreDialect, Tenure, Tx } from '../store/dialect/dialect.ts'
import { genesis, type HashedEvent, hashOfEvent } from './audit-hash.ts'

export interface AuditEntry {
  readonly timestamp: number
  readonly executionId: number | null
  readonly agentId: string
  readonly actionId: string
  readonly kind: AuditKind
  /** what else it tells: an object, by `asciiJson` */
  readonly data: string
}

interface Head {
  readonly seq: number
  readonly hash: string
}

/** Events of one statement, most first: what is left goes in smaller ones. */
const rowsAtOnce = [8, 3, 2, 1]

/**
 * Adds events to the chain. Where one process writes alone, the end of the chain is kept in mind; what a transaction
 * that fails has added is forgotten with it.
 */
export class AuditTrail {
  readonly #dialect: StoreDialect
  readonly #tenure: Tenure | undefined
  readonly #inserts: readonly { readonly rows: number; readonly sql: string }[]
  #head: Head | undefined

  /** @param tenure whose turn every transaction must find it to be; absent: nobody's in particular */
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

  /** To be called first in every transaction. @throws an error of `isLeaseOver` when another hub may write instead */
  async begin(tx: Tx): Promise<void> {
    const locking = this.#dialect.lockChain(tx, this.#tenure)
    if (locking instanceof Promise) await locking
    if (this.#dialect.isShared) this.#head = undefined
    this.#head ??= await headOf(tx)
  }

  /** Adds events in their order, inside the transaction of what they tell of. */
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

  /** Puts the columns of the event that follows behind `values`. */
  #follow(entry: AuditEntry | undefined, values: unknown[]): void {
    const head = this.#head
    if (head === undefined || entry === undefined) {
      throw new TypeError('the chain is added to outside of begin')
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

  /** To be called when a transaction was undone. */
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
