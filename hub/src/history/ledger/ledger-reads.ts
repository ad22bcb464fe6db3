import type { ActionResult, ActionState } from '@centralpost/shared'
import { sql } from 'kysely'
import type { Database, StoreDialect } from '../store/dialect/dialect.ts'
import type { GroupCommit } from '../audit/group-commit.ts'
import type { UnpublishedResult } from './ledger-step.ts'
import type { SecretKeeper } from '../masking/secret-keeper.ts'
import type { CommandExecution } from '../store/schema.ts'
import { type Execution, executionOf } from '../store/execution.ts'

/** The dependencies of the ledger. */
export interface LedgerParts {
  readonly db: Database
  readonly dialect: StoreDialect
  readonly commits: GroupCommit
  readonly secrets: SecretKeeper
}

/** An unfinished action, as `unended` returns it. */
export interface Unended extends Pick<
  CommandExecution,
  'execution_id' | 'agent_id' | 'action_id' | 'deadline'
> {
  /** time of the query, by the database's clock */
  readonly now: number
}

/**
 * Repeats the condition of the partial index of unfinished actions, word for word, so that SQLite
 * uses it.
 */
const hasNotEnded = sql<boolean>`(status = 'pending' or status = 'queued' or status = 'running')`

/** The ledger queries of the flow: exact and durable. */
export class LedgerReads {
  readonly #db: Database
  readonly #clock: StoreDialect['clock']
  readonly #commits: GroupCommit
  readonly #secrets: SecretKeeper

  constructor({ db, dialect, commits, secrets }: LedgerParts) {
    this.#db = db
    this.#clock = dialect.clock
    this.#commits = commits
    this.#secrets = secrets
  }

  /** An agent's action, or undefined. */
  async find(agentId: string, actionId: string): Promise<Execution | undefined> {
    const row = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('agent_id', '=', agentId)
      .where('action_id', '=', actionId)
      .executeTakeFirst()
    return row && (await this.#read([row]))[0]
  }

  /** Whether an agent has used an action id. */
  async knows(agentId: string, actionId: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('command_executions')
      .select('execution_id')
      .where('agent_id', '=', agentId)
      .where('action_id', '=', actionId)
      .executeTakeFirst()
    return row !== undefined
  }

  /** The actions of all agents under an id: agents choose their ids, so two may choose the same. */
  async findAll(actionId: string): Promise<Execution[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('action_id', '=', actionId)
      .execute()
    return this.#read(rows)
  }

  async get(executionId: number): Promise<Execution> {
    const row = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('execution_id', '=', executionId)
      .executeTakeFirstOrThrow()
    return (await this.#read([row]))[0] ?? executionOf(row)
  }

  /** Actions in a non-final state, oldest first, a page at a time. */
  async inState(state: ActionState, after: number, limit = 1000): Promise<Execution[]> {
    return this.#read(await this.#pageOf(state, after, limit).selectAll().execute())
  }

  /** Ids of actions in a non-final state, oldest first, with the database's time. */
  async unended(state: ActionState, after: number, limit: number): Promise<Unended[]> {
    return this.#pageOf(state, after, limit)
      .select(['execution_id', 'agent_id', 'action_id', 'deadline'])
      .select(this.#clock.as('now'))
      .execute()
  }

  #pageOf(state: ActionState, after: number, limit: number) {
    return this.#db
      .selectFrom('command_executions')
      .where(hasNotEnded)
      .where('status', '=', state)
      .where('execution_id', '>', after)
      .orderBy('execution_id')
      .limit(limit)
  }

  /** The number of actions in a non-final state. */
  async countInState(state: ActionState): Promise<number> {
    const { n } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.countAll<number>().as('n'))
      .where(hasNotEnded)
      .where('status', '=', state)
      .executeTakeFirstOrThrow()
    return n
  }

  /** Pending actions with equal digests. */
  async pendingWithDigest(digest: string): Promise<Execution[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where(hasNotEnded)
      .where('status', '=', 'pending')
      .where('digest', 'in', this.formsOf(digest))
      .orderBy('execution_id')
      .execute()
    return this.#read(rows)
  }

  /**
   * Denial times of the agent's latest actions by persons, newest first, in milliseconds since
   * 1970. One denial of several actions counts once.
   *
   * @param looked limit of denied actions examined
   */
  async latestDenials(agentId: string, limit: number, looked: number): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .select('approval_timestamp')
      .where('agent_id', '=', agentId)
      // spelled out, so that the partial index applies
      .where(sql<boolean>`status = 'denied' and decided_by <> 'policy'`)
      .orderBy('execution_id', 'desc')
      .limit(looked)
      .execute()
    const moments = new Set(rows.map((row) => row.approval_timestamp ?? 0))
    return [...moments].toSorted((one, other) => other - one).slice(0, limit)
  }

  /** Whether a possible writer was running at a time or since, in milliseconds since 1970. */
  async hasWrittenSince(since: number): Promise<boolean> {
    const write = await this.#db
      .selectFrom('command_executions')
      .select('execution_id')
      // spelled out, so that the partial index applies
      .where(sql<boolean>`trust_level <> 'SAFE' and execution_timestamp is not null`)
      .where((is) => is.or([is('finished_at', 'is', null), is('finished_at', '>=', since)]))
      .limit(1)
      .executeTakeFirst()
    return write !== undefined
  }

  async result(executionId: number): Promise<ActionResult | null> {
    const row = await this.#db
      .selectFrom('action_results')
      .select(['execution_id', 'result', 'sealed'])
      .where('execution_id', '=', executionId)
      .executeTakeFirst()
    await this.#commits.durable()
    return row === undefined ? null : (JSON.parse(this.#secrets.openResult(row)) as ActionResult)
  }

  /** Results that the broker has not confirmed, oldest first. */
  async unpublished(limit: number): Promise<UnpublishedResult[]> {
    const rows = await this.#db
      .selectFrom('action_results')
      .selectAll()
      .where('published_at', 'is', null)
      .orderBy('execution_id')
      .limit(limit)
      .execute()
    // an end must be durable before it is published
    await this.#commits.durable()
    return rows.map(({ sealed, ...row }) => ({
      ...row,
      result: this.#secrets.openResult({ ...row, sealed }),
    }))
  }

  /**
   * The request time of the oldest action in a state, in milliseconds since 1970; null without any.
   */
  async oldestIn(state: ActionState): Promise<number | null> {
    const { oldest } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.min<number | null>('timestamp').as('oldest'))
      .where(hasNotEnded)
      .where('status', '=', state)
      .executeTakeFirstOrThrow()
    return oldest
  }

  /** The number of the newest execution; 0: none. */
  async newest(): Promise<number> {
    const { id } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.max<number | null>('execution_id').as('id'))
      .executeTakeFirstOrThrow()
    return id ?? 0
  }

  async countUnpublished(): Promise<number> {
    const { n } = await this.#db
      .selectFrom('action_results')
      .select((get) => get.fn.countAll<number>().as('n'))
      .where('published_at', 'is', null)
      .executeTakeFirstOrThrow()
    return n
  }

  async #read(rows: readonly CommandExecution[]): Promise<Execution[]> {
    const whole = await this.#secrets.restore(this.#db, rows)
    await this.#commits.durable()
    return whole.map(executionOf)
  }

  /** A digest, as is and as stored for a masked action. */
  protected formsOf(digest: string): string[] {
    return [digest, this.#secrets.masker.keyed(digest)]
  }
}
