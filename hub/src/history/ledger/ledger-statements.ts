import { sql } from 'kysely'
import type { Database, StoreDialect, Tx } from '../store/dialect/dialect.ts'
import type { CommandExecution, NewCommandExecution } from '../store/schema.ts'
import type { ColumnChanges } from '../store/execution.ts'
import type { Transition } from './ledger-step.ts'

/** Every column of an execution that inserts write, in the order of the compiled statement. */
const inserted = [
  'action_id',
  'agent_id',
  'agent_type',
  'workflow_id',
  'command',
  'argv',
  'command_hash',
  'request_hash',
  'message_id',
  'context',
  'cwd',
  'env',
  'timeout_ms',
  'stream_output',
  'expires_at',
  'trust_level',
  'verdict',
  'digest',
  'bound',
  'reused_from',
  'status',
  'deadline',
  'approved_by',
  'decided_by',
  'approval_timestamp',
  'execution_timestamp',
  'hub_id',
  'timestamp',
  'finished_at',
  'exit_code',
  'success',
  'duration',
  'error_category',
  'reason',
  'venv_active',
  'output_size',
  'output_ref',
  'stdout_preview',
  'stderr_preview',
  'masked',
] as const satisfies readonly (keyof NewCommandExecution)[]

/**
 * In the order of `inserted`; spelled out, because a loop over names takes half a microsecond per
 * row.
 */
function valuesOf(row: NewCommandExecution): unknown[] {
  return [
    row.action_id ?? null,
    row.agent_id ?? null,
    row.agent_type ?? null,
    row.workflow_id ?? null,
    row.command ?? null,
    row.argv ?? null,
    row.command_hash ?? null,
    row.request_hash ?? null,
    row.message_id ?? null,
    row.context ?? null,
    row.cwd ?? null,
    row.env ?? null,
    row.timeout_ms ?? null,
    row.stream_output ?? null,
    row.expires_at ?? null,
    row.trust_level ?? null,
    row.verdict ?? null,
    row.digest ?? null,
    row.bound ?? null,
    row.reused_from ?? null,
    row.status ?? null,
    row.deadline ?? null,
    row.approved_by ?? null,
    row.decided_by ?? null,
    row.approval_timestamp ?? null,
    row.execution_timestamp ?? null,
    row.hub_id ?? null,
    row.timestamp ?? null,
    row.finished_at ?? null,
    row.exit_code ?? null,
    row.success ?? null,
    row.duration ?? null,
    row.error_category ?? null,
    row.reason ?? null,
    row.venv_active ?? null,
    row.output_size ?? null,
    row.output_ref ?? null,
    row.stdout_preview ?? null,
    row.stderr_preview ?? null,
    row.masked ?? 0,
  ]
}

/** The statements of the hot path, compiled once: compiling takes longer than running them. */
export class LedgerStatements {
  readonly #db: Database
  readonly #dialect: StoreDialect
  readonly #insertExecution: string
  readonly #insertResult: string
  readonly #steps = new Map<string, string>()

  constructor(db: Database, dialect: StoreDialect) {
    this.#db = db
    this.#dialect = dialect
    const anything = Object.fromEntries(inserted.map((name) => [name, '']))
    this.#insertExecution = db
      .insertInto('command_executions')
      .values(anything as unknown as NewCommandExecution)
      .onConflict((conflict) => conflict.columns(['agent_id', 'action_id']).doNothing())
      .compile().sql
    this.#insertResult = db
      .insertInto('action_results')
      .values({
        execution_id: 0,
        subject: '',
        stored: 0,
        result: '',
        published_at: null,
        sealed: 0,
      })
      .compile().sql
  }

  /** @returns the new row's id; undefined when the agent has used the action id before */
  insertExecution(tx: Tx, row: NewCommandExecution): ReturnType<StoreDialect['insertExecution']> {
    return this.#dialect.insertExecution(tx, this.#insertExecution, valuesOf(row))
  }

  async insertResult(
    tx: Tx,
    row: {
      executionId: number
      subject: string
      stored: number
      result: string
      publishedAt: number | null
      sealed: number
    },
  ): Promise<void> {
    const { executionId, subject, stored, result, publishedAt, sealed } = row
    const values = [executionId, subject, stored, result, publishedAt, sealed]
    await this.#dialect.run(tx, this.#insertResult, values)
  }

  /**
   * The conditional update of a step.
   *
   * @param digests the required digest, in each form it may be stored in; undefined: any
   * @returns the updated row; undefined when a condition did not hold
   */
  async step(
    tx: Tx,
    executionId: number,
    step: Omit<Transition, 'changes'> & { readonly changes: ColumnChanges },
    digests: readonly (string | null)[] | undefined,
  ): Promise<CommandExecution | undefined> {
    const columns = Object.keys(step.changes)
    const deadline = step.where?.deadline
    const shape = [
      step.to,
      step.from.join(),
      columns.join(),
      digests?.length,
      deadline === undefined,
    ]
    const key = shape.join('|')
    let text = this.#steps.get(key)
    if (text === undefined) {
      const query = this.#db
        .updateTable('command_executions')
        .set({ ...placeholders(columns), status: sql.lit(step.to) })
        .where('execution_id', '=', executionId)
        // spelled out: selects the index of unfinished actions
        .where('status', 'in', step.from.map((state) => sql.lit(state)) as never)
        .$if(digests !== undefined, (update) =>
          update.where((is) =>
            is.or((digests ?? []).map(() => is('digest', 'is not distinct from', ''))),
          ),
        )
        .$if(deadline !== undefined, (update) =>
          update.where('deadline', 'is not distinct from', 0),
        )
        .returningAll()
      text = query.compile().sql
      this.#steps.set(key, text)
    }
    const [row] = await this.#dialect.run<CommandExecution>(tx, text, [
      ...Object.values(step.changes).map((value) => value ?? null),
      executionId,
      ...(digests ?? []),
      ...(deadline === undefined ? [] : [deadline]),
    ])
    return row
  }
}

/** A value for each column, so that the compiled statement has all parameters. */
function placeholders(columns: readonly string[]): object {
  return Object.fromEntries(columns.map((name) => [name, '']))
}
