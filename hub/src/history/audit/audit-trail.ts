import type { AuditKind } from '@centralpost/shared'
import { CompiledQuery } from 'kysely'
import type { Database, StoreDialect, Tx } from '../dialect/dialect.ts'
import { asciiJson, genesis, type HashedEvent, hashOfEvent } from './audit-hash.ts'

export interface AuditEntry {
  readonly timestamp: number
  readonly executionId: number | null
  readonly agentId: string
  readonly actionId: string
  readonly kind: AuditKind
  readonly data: Readonly<Record<string, unknown>>
}

interface Head {
  readonly seq: number
  readonly hash: string
}

/**
 * Adds events to the chain. Where one process writes alone, the end of the chain is kept in mind; what a transaction
 * that fails has added is forgotten with it.
 */
export class AuditTrail {
  readonly #dialect: StoreDialect
  readonly #insert: string
  #head: Head | undefined

  constructor(db: Database, dialect: StoreDialect) {
    this.#dialect = dialect
    const { sql } = db
      .insertInto('audit_events')
      .values({
        seq: 0,
        timestamp: 0,
        execution_id: 0,
        agent_id: '',
        action_id: '',
        kind: '',
        data: '',
        prev_hash: '',
        hash: '',
      })
      .compile()
    this.#insert = sql
  }

  /** To be called first in a transaction that adds events. */
  async begin(tx: Tx): Promise<void> {
    if (this.#dialect.isShared) {
      await this.#dialect.lockChain(tx)
      this.#head = undefined
    }
    this.#head ??= await headOf(tx)
  }

  /** Adds events in their order, inside the transaction of what they tell of. */
  async append(tx: Tx, entries: readonly AuditEntry[]): Promise<void> {
    if (this.#head === undefined) throw new TypeError('the chain is added to outside of begin')
    for (const entry of entries) {
      const event: HashedEvent = {
        seq: this.#head.seq + 1,
        timestamp: entry.timestamp,
        execution_id: entry.executionId,
        agent_id: entry.agentId,
        action_id: entry.actionId,
        kind: entry.kind,
        data: asciiJson(entry.data),
        prev_hash: this.#head.hash,
      }
      const hash = hashOfEvent(event)
      const values: unknown[] = [...Object.values(event), hash]
      await tx.executeQuery(CompiledQuery.raw(this.#insert, values))
      this.#head = { seq: event.seq, hash }
    }
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
