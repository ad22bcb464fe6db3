import type { CommandExecution, ExecutionEventTable, IndexedExecution } from '../store/schema.ts'
import type { Database, Store, Tx } from '../store/dialect/dialect.ts'
import { isFinal } from '../ledger/action-state.ts'
import { noteFixes } from '../patterns/fixes.ts'
import { PatternUse } from '../patterns/pattern-use.ts'
import { CommandForms } from '../statistics/command-form-table.ts'
import { searchTextOf } from '../store/search-words.ts'
import { surroundingsOf } from '../statistics/surroundings.ts'
import { Totals } from '../statistics/totals.ts'
import { wantsVenv } from '../command-form.ts'

const eventsAtOnce = 400
const rowsAtOnce = 250
/**
 * Age in milliseconds after which a directory's content no longer shows its state at a command's
 * start.
 */
const longestLook = 60_000

/**
 * Updates the data derived from the ledger, as its only writer. Follows the audit trail, which has
 * an event for every change of an action, and records its position in the same transaction as its
 * results.
 */
export class Indexer {
  readonly #store: Store
  readonly #hubId: string
  readonly #forms: CommandForms
  readonly #use: PatternUse

  constructor(store: Store, hubId: string) {
    this.#store = store
    this.#hubId = hubId
    this.#forms = new CommandForms()
    this.#use = new PatternUse()
  }

  /** Patterns were added: their uses count from now on. */
  patternsChanged(): void {
    this.#use.forget()
  }

  /**
   * Processes one piece of the backlog.
   *
   * @returns whether more remains
   */
  async step(): Promise<boolean> {
    const { db } = this.#store
    const state = await stateOf(db)
    if (state.seq === undefined) return this.#begin(state.backfilled)
    const events = await db
      .selectFrom('audit_events')
      .select(['seq', 'execution_id'])
      .where('seq', '>', state.seq)
      .orderBy('seq')
      .limit(eventsAtOnce)
      .execute()
    const last = events.at(-1)
    if (last === undefined) return false
    const told = events.filter(isOfExecution)
    const rows = await rowsOf(db, [...new Set(told.map((event) => event.execution_id))])
    await this.#commit(rows, { seq: last.seq }, told)
    return events.length === eventsAtOnce
  }

  /**
   * The trail has everything in order, unless its beginning was deleted: then the executions are
   * read first, in their current state, and the trail after them.
   */
  async #begin(backfilled: number | undefined): Promise<boolean> {
    if (backfilled !== undefined) return this.#takeUpOld(backfilled)
    const sealed = await this.#store.db
      .selectFrom('audit_segments')
      .select('segment_id')
      .limit(1)
      .executeTakeFirst()
    if (sealed !== undefined) return this.#takeUpOld(0)
    await this.#commit([], { seq: 0 })
    return true
  }

  async #takeUpOld(after: number): Promise<boolean> {
    const rows = await this.#store.db
      .selectFrom('command_executions')
      .selectAll()
      .where('execution_id', '>', after)
      .orderBy('execution_id')
      .limit(rowsAtOnce)
      .execute()
    const last = rows.at(-1)
    await this.#commit(rows, last === undefined ? { seq: 0 } : { backfilled: last.execution_id })
    return true
  }

  async #commit(
    rows: readonly CommandExecution[],
    state: Readonly<Record<string, number>>,
    told: readonly ExecutionEventTable[] = [],
  ): Promise<void> {
    const { db, dialect } = this.#store
    try {
      await db.transaction().execute(async (tx) => {
        const known = await knownOf(
          tx,
          rows.map((row) => row.execution_id),
        )
        const totals = new Totals()
        for (const row of rows.toSorted((a, b) => a.execution_id - b.execution_id)) {
          const before = known.get(row.execution_id)
          // it has ended, is counted, and never changes
          if (before?.settled === 1) continue
          await this.#index(tx, row, totals)
          await dialect.putSearchText(tx, row.execution_id, searchTextOf(row))
        }
        await totals.write(tx)
        if (told.length > 0) {
          await tx
            .insertInto('execution_events')
            .values(told.map(({ execution_id, seq }) => ({ execution_id, seq })))
            .execute()
        }
        for (const [name, value] of Object.entries(state)) {
          await tx
            .insertInto('memory_state')
            .values({ name, value })
            .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
            .execute()
        }
      })
    } catch (error) {
      this.#forms.forget()
      throw error
    }
  }

  async #index(tx: Tx, row: CommandExecution, totals: Totals): Promise<void> {
    const form = await this.#forms.of(tx, row.command)
    const settled = isFinal(row.status)
    const seen = settled ? this.#surroundings(row) : null
    const indexed: IndexedExecution = {
      execution_id: row.execution_id,
      agent_id: row.agent_id,
      workflow_id: row.workflow_id,
      trust_level: row.trust_level,
      status: row.status,
      timestamp: row.timestamp,
      finished_at: row.finished_at,
      form_id: form.formId,
      settled: settled ? 1 : 0,
      success: row.success,
      duration: row.duration,
      waited:
        row.approval_timestamp === null
          ? null
          : Math.max(0, row.approval_timestamp - row.timestamp),
      approver: isPerson(row.approved_by) ? 1 : 0,
      error_category: row.error_category,
      venv_active: row.venv_active,
      venv_wanted: wantsVenv(form.form) && row.execution_timestamp !== null ? 1 : 0,
      cwd: row.cwd,
      cwd_kind: seen?.cwdKind ?? null,
      files: seen === null ? null : JSON.stringify(seen.files),
    }
    await tx
      .insertInto('execution_index')
      .values(indexed)
      .onConflict((conflict) => conflict.column('execution_id').doUpdateSet(indexed))
      .execute()
    if (!settled) return
    totals.add(row, form.formId)
    await noteFixes(tx, row, indexed)
    await this.#use.note(tx, indexed)
  }

  #surroundings(row: CommandExecution): ReturnType<typeof surroundingsOf> {
    const { cwd, execution_timestamp: startedAt, finished_at: endedAt } = row
    if (cwd === null || startedAt === null || row.hub_id !== this.#hubId) return null
    if (Date.now() - (endedAt ?? startedAt) > longestLook) return null
    return surroundingsOf(cwd, startedAt)
  }
}

function isOfExecution<E extends { execution_id: number | null }>(
  event: E,
): event is E & { execution_id: number } {
  return event.execution_id !== null
}

async function stateOf(db: Database): Promise<Partial<Record<'seq' | 'backfilled', number>>> {
  const rows = await db.selectFrom('memory_state').selectAll().execute()
  return Object.fromEntries(rows.map((row) => [row.name, row.value]))
}

async function rowsOf(db: Database, ids: readonly number[]): Promise<CommandExecution[]> {
  if (ids.length === 0) return []
  return db.selectFrom('command_executions').selectAll().where('execution_id', 'in', ids).execute()
}

async function knownOf(
  tx: Tx,
  ids: readonly number[],
): Promise<Map<number, { readonly settled: number }>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('execution_index')
    .select(['execution_id', 'settled'])
    .where('execution_id', 'in', ids)
    .execute()
  return new Map(rows.map((row) => [row.execution_id, row]))
}

/** Whether a person approved, not the policy ("auto") or an earlier rule. */
function isPerson(approvedBy: string | null): boolean {
  return approvedBy !== null && approvedBy !== 'auto' && !approvedBy.startsWith('rule:')
}
