import type { ActionResult, ActionState } from '@centralpost/shared'
import { type Selectable, sql } from 'kysely'
import { assertStep } from './action-state.ts'
import { appendAudit, type AuditKind } from './audit-trail.ts'
import type { Database } from './database.ts'
import type { GroupCommit, Tx } from './group-commit.ts'
import type {
  ActionResultTable,
  CommandExecution,
  CommandExecutionTable,
  NewCommandExecution,
} from './schema.ts'

/** What an audit event tells besides who, what and when. */
export interface Told {
  readonly kind: AuditKind
  readonly data?: Readonly<Record<string, unknown>>
}

/** The terminal message that goes with a terminal state. */
export interface Terminal {
  readonly subject: string
  /** false: handed to who listens, but not kept in the result stream @default true */
  readonly stored?: boolean
  readonly result: (executionId: number) => ActionResult
}

export type Intake =
  | { readonly kind: 'new'; readonly executionId: number }
  | { readonly kind: 'known'; readonly action: CommandExecution }
  | { readonly kind: 'conflict'; readonly action: CommandExecution }
  /** the agent has as many pending actions as it may */
  | { readonly kind: 'full'; readonly pending: number }

/** One conditional update: from any of `from` to `to`. */
export interface Step {
  readonly from: readonly ActionState[]
  readonly to: ActionState
  readonly changes: Changes
  readonly at: number
  readonly told: Told
  /** what the row must still say, besides its state: what was decided on, is stepped on */
  readonly only?: { readonly digest?: string | null; readonly deadline?: number | null }
}

export type OutboxItem = Selectable<ActionResultTable>

export type Changes = Partial<
  Omit<CommandExecutionTable, 'execution_id' | 'action_id' | 'agent_id' | 'status'>
>

/**
 * The ledger decides what has happened to an action; the bus only carries. Every step is a conditional update,
 * durable when it returns, together with its audit event and, at the end, with the result that goes out.
 */
export class Ledger {
  readonly #db: Database
  readonly #commits: GroupCommit

  constructor(db: Database, commits: GroupCommit) {
    this.#db = db
    this.#commits = commits
  }

  /**
   * Takes a request in. The same agent and action id is the same action: it is told from a new one here, and
   * nowhere else.
   *
   * @param row the action in its first state
   * @param told the events of the intake, in order
   * @param options.terminal the result, when the first state is final already
   * @param options.mostPending how many actions of the agent may be pending
   */
  takeIn(
    row: NewCommandExecution,
    told: readonly Told[],
    { terminal, mostPending }: { terminal?: Terminal | undefined; mostPending?: number } = {},
  ): Promise<Intake> {
    return this.#commits.write(async (tx) => {
      const pending =
        mostPending === undefined || row.status !== 'pending'
          ? 0
          : await countPending(tx, row.agent_id, row.action_id)
      if (mostPending !== undefined && pending >= mostPending) return { kind: 'full', pending }
      const inserted = await tx
        .insertInto('command_executions')
        .values(row)
        .onConflict((conflict) => conflict.columns(['agent_id', 'action_id']).doNothing())
        .returning('execution_id')
        .executeTakeFirst()
      if (inserted === undefined) {
        const action = await tx
          .selectFrom('command_executions')
          .selectAll()
          .where('agent_id', '=', row.agent_id)
          .where('action_id', '=', row.action_id)
          .executeTakeFirstOrThrow()
        const same = action.request_hash === row.request_hash
        return { kind: same ? 'known' : 'conflict', action }
      }
      const executionId = inserted.execution_id
      await this.#tell(tx, { ...row, execution_id: executionId }, row.timestamp, told)
      if (terminal) await putResult(tx, executionId, terminal)
      return { kind: 'new', executionId }
    })
  }

  /**
   * Steps an action on to a state that is not its end, or does nothing.
   *
   * @returns whether the step was taken; false when somebody else was first
   */
  step(executionId: number, step: Step): Promise<boolean> {
    return this.#commits.write((tx) => this.#take(tx, executionId, step))
  }

  /**
   * Ends an action: its terminal state and the result that goes out are one commit. Terminal states never change.
   *
   * @returns whether it was ended by this call; false when it had ended already
   */
  recordExecution(executionId: number, step: Step, terminal: Terminal): Promise<boolean> {
    return this.#commits.write(async (tx) => {
      if (!(await this.#take(tx, executionId, step))) return false
      await putResult(tx, executionId, terminal)
      return true
    })
  }

  /** The action of an agent, or undefined. */
  find(agentId: string, actionId: string): Promise<CommandExecution | undefined> {
    return this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('agent_id', '=', agentId)
      .where('action_id', '=', actionId)
      .executeTakeFirst()
  }

  /** The actions of any agent under an id: agents choose their ids, so two may have chosen the same. */
  findAll(actionId: string): Promise<CommandExecution[]> {
    return this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('action_id', '=', actionId)
      .execute()
  }

  get(executionId: number): Promise<CommandExecution> {
    return this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('execution_id', '=', executionId)
      .executeTakeFirstOrThrow()
  }

  /** Actions in a state, oldest first, a page at a time. */
  inState(state: ActionState, after: number, limit = 1000): Promise<CommandExecution[]> {
    return this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('status', '=', state)
      .where('execution_id', '>', after)
      .orderBy('execution_id')
      .limit(limit)
      .execute()
  }

  async countInState(state: ActionState): Promise<number> {
    const { n } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.countAll<number>().as('n'))
      .where('status', '=', state)
      .executeTakeFirstOrThrow()
    return n
  }

  /** Pending actions that are the same in everything an approval binds. */
  pendingWithDigest(digest: string): Promise<CommandExecution[]> {
    return this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('status', '=', 'pending')
      .where('digest', '=', digest)
      .orderBy('execution_id')
      .execute()
  }

  /** When persons denied the agent's latest actions, newest first, in milliseconds since 1970. */
  async latestDenials(agentId: string, limit: number): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .select('finished_at')
      .where('agent_id', '=', agentId)
      .where('status', '=', 'denied')
      .where('decided_by', '!=', 'policy')
      .orderBy('execution_id', 'desc')
      .limit(limit)
      .execute()
    return rows.map((row) => row.finished_at ?? 0)
  }

  /**
   * The latest execution whose result may stand for this one: the same command of the same workflow, SAFE and
   * completed, with nothing run since it began that may have written.
   */
  async reusable(like: {
    readonly agentId: string
    readonly workflowId: string
    readonly digest: string
  }): Promise<CommandExecution | undefined> {
    const earlier = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('workflow_id', '=', like.workflowId)
      .where('agent_id', '=', like.agentId)
      .where('digest', '=', like.digest)
      // written out, so that the index of just these is taken
      .where(sql<boolean>`status = 'completed' and trust_level = 'SAFE' and reused_from is null`)
      .orderBy('execution_id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (earlier?.execution_timestamp == null) return undefined
    const since = earlier.execution_timestamp
    const write = await this.#db
      .selectFrom('command_executions')
      .select('execution_id')
      .where('trust_level', '!=', 'SAFE')
      .where('execution_timestamp', 'is not', null)
      .where((is) => is.or([is('finished_at', 'is', null), is('finished_at', '>=', since)]))
      .limit(1)
      .executeTakeFirst()
    return write === undefined ? earlier : undefined
  }

  async result(executionId: number): Promise<ActionResult | null> {
    const row = await this.#db
      .selectFrom('action_results')
      .select('result')
      .where('execution_id', '=', executionId)
      .executeTakeFirst()
    return row === undefined ? null : (JSON.parse(row.result) as ActionResult)
  }

  /** Results that the broker has not confirmed, oldest first. */
  unpublished(limit: number): Promise<OutboxItem[]> {
    return this.#db
      .selectFrom('action_results')
      .selectAll()
      .where('published_at', 'is', null)
      .orderBy('execution_id')
      .limit(limit)
      .execute()
  }

  /** When the oldest action of a state was asked for, in milliseconds since 1970; null when there is none. */
  async oldestIn(state: ActionState): Promise<number | null> {
    const { oldest } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.min<number | null>('timestamp').as('oldest'))
      .where('status', '=', state)
      .executeTakeFirstOrThrow()
    return oldest
  }

  async countUnpublished(): Promise<number> {
    const { n } = await this.#db
      .selectFrom('action_results')
      .select((get) => get.fn.countAll<number>().as('n'))
      .where('published_at', 'is', null)
      .executeTakeFirstOrThrow()
    return n
  }

  markPublished(executionIds: readonly number[], at: number): Promise<void> {
    return this.#markResults(executionIds, at)
  }

  /** Sends a stored result once more: its agent asked again. */
  publishAgain(executionId: number): Promise<void> {
    return this.#markResults([executionId], null)
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#commits.idle()
  }

  #markResults(executionIds: readonly number[], publishedAt: number | null): Promise<void> {
    return this.#commits.write(async (tx) => {
      await tx
        .updateTable('action_results')
        .set({ published_at: publishedAt })
        .where('execution_id', 'in', executionIds)
        .execute()
    })
  }

  async #take(tx: Tx, executionId: number, step: Step): Promise<boolean> {
    assertStep(step.from, step.to)
    const row = await tx
      .updateTable('command_executions')
      .set({ ...step.changes, status: step.to })
      .where('execution_id', '=', executionId)
      .where('status', 'in', step.from)
      .$if(step.only?.digest !== undefined, (query) =>
        query.where('digest', 'is', step.only?.digest ?? null),
      )
      .$if(step.only?.deadline !== undefined, (query) =>
        query.where('deadline', 'is', step.only?.deadline ?? null),
      )
      .returning(['execution_id', 'agent_id', 'action_id'])
      .executeTakeFirst()
    if (row === undefined) return false
    await this.#tell(tx, row, step.at, [step.told])
    return true
  }

  async #tell(
    tx: Tx,
    action: Pick<CommandExecution, 'execution_id' | 'agent_id' | 'action_id'>,
    at: number,
    told: readonly Told[],
  ): Promise<void> {
    for (const { kind, data = {} } of told) {
      await appendAudit(tx, {
        timestamp: at,
        executionId: action.execution_id,
        agentId: action.agent_id,
        actionId: action.action_id,
        kind,
        data,
      })
    }
  }
}

async function putResult(tx: Tx, executionId: number, terminal: Terminal): Promise<void> {
  await tx
    .insertInto('action_results')
    .values({
      execution_id: executionId,
      subject: terminal.subject,
      stored: terminal.stored === false ? 0 : 1,
      result: JSON.stringify(terminal.result(executionId)),
      published_at: null,
    })
    .execute()
}

/** How many other actions of an agent wait for a person. */
async function countPending(tx: Tx, agentId: string, actionId: string): Promise<number> {
  const { n } = await tx
    .selectFrom('command_executions')
    .select((get) => get.fn.countAll<number>().as('n'))
    .where('status', '=', 'pending')
    .where('agent_id', '=', agentId)
    .where('action_id', '!=', actionId)
    .executeTakeFirstOrThrow()
  return n
}
