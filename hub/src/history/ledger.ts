import type { ActionResult, ActionState, AuditKind } from '@centralpost/shared'
import { type Selectable, sql } from 'kysely'
import { assertStep } from './action-state.ts'
import { hashOfRecord, type RecordedRow } from './audit/audit-hash.ts'
import type { Database, Tx } from './dialect/dialect.ts'
import type { Batch, GroupCommit } from './group-commit.ts'
import { isFinal, LedgerStatements } from './ledger-statements.ts'
import type { SecretKeeper } from './masking/secret-keeper.ts'
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

export type OutboxItem = Omit<Selectable<ActionResultTable>, 'sealed'>

export type Changes = Partial<
  Omit<CommandExecutionTable, 'execution_id' | 'action_id' | 'agent_id' | 'status' | 'masked'>
>

export interface LedgerParts {
  readonly db: Database
  readonly commits: GroupCommit
  readonly secrets: SecretKeeper
  /** called when something was recorded: what is derived from it can be brought up to date */
  readonly onRecorded?: () => void
}

/**
 * The ledger decides what has happened to an action; the bus only carries. Every step is a conditional update,
 * durable when it returns, together with its audit event and, at the end, with the result that goes out.
 */
export class Ledger {
  readonly #db: Database
  readonly #commits: GroupCommit
  readonly #secrets: SecretKeeper
  readonly #statements: LedgerStatements
  readonly #onRecorded: () => void

  constructor({ db, commits, secrets, onRecorded }: LedgerParts) {
    this.#db = db
    this.#commits = commits
    this.#secrets = secrets
    this.#statements = new LedgerStatements(db)
    this.#onRecorded = onRecorded ?? (() => {})
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
  async takeIn(
    row: NewCommandExecution,
    told: readonly Told[],
    { terminal, mostPending }: { terminal?: Terminal | undefined; mostPending?: number } = {},
  ): Promise<Intake> {
    const masked = this.#secrets.mask(row)
    const stored = storable(masked.row)
    const intake = await this.#commits.write<Intake>(async (batch) => {
      const { tx } = batch
      const pending =
        mostPending === undefined || row.status !== 'pending'
          ? 0
          : await countPending(tx, row.agent_id, row.action_id)
      if (mostPending !== undefined && pending >= mostPending) return { kind: 'full', pending }
      const executionId = await this.#statements.insertExecution(tx, stored)
      if (executionId === undefined) return this.#known(tx, row)
      await masked.keep(batch, executionId)
      const action = { ...stored, execution_id: executionId }
      this.#tell(batch, action, row.timestamp, told, masked.secrets)
      if (terminal) await this.#putResult(tx, executionId, terminal)
      return { kind: 'new', executionId }
    })
    if (intake.kind === 'known' || intake.kind === 'conflict') {
      const [action] = await this.#secrets.restore(this.#db, [intake.action])
      return action === undefined ? intake : { ...intake, action }
    }
    if (intake.kind === 'new') this.#onRecorded()
    return intake
  }

  /**
   * Steps an action on to a state that is not its end, or does nothing.
   *
   * @returns whether the step was taken; false when somebody else was first
   */
  async step(executionId: number, step: Step): Promise<boolean> {
    const isTaken = await this.#commits.write(
      async (batch) => (await this.#take(batch, executionId, step)) !== undefined,
    )
    if (isTaken) this.#onRecorded()
    return isTaken
  }

  /**
   * Ends an action: its terminal state and the result that goes out are one commit. Terminal states never change.
   *
   * @returns whether it was ended by this call; false when it had ended already
   */
  async recordExecution(executionId: number, step: Step, terminal: Terminal): Promise<boolean> {
    const isEnded = await this.#commits.write(async (batch) => {
      const row = await this.#take(batch, executionId, step)
      if (row === undefined) return false
      await this.#putResult(batch.tx, executionId, terminal)
      if (row.masked === 1) await this.#secrets.forget(batch, executionId)
      return true
    })
    if (isEnded) this.#onRecorded()
    return isEnded
  }

  /** The action of an agent, or undefined. */
  async find(agentId: string, actionId: string): Promise<CommandExecution | undefined> {
    const row = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('agent_id', '=', agentId)
      .where('action_id', '=', actionId)
      .executeTakeFirst()
    return row && (await this.#read([row]))[0]
  }

  /** The actions of any agent under an id: agents choose their ids, so two may have chosen the same. */
  async findAll(actionId: string): Promise<CommandExecution[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('action_id', '=', actionId)
      .execute()
    return this.#read(rows)
  }

  async get(executionId: number): Promise<CommandExecution> {
    const row = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('execution_id', '=', executionId)
      .executeTakeFirstOrThrow()
    return (await this.#read([row]))[0] ?? row
  }

  /** Actions in a state that is not final, oldest first, a page at a time. */
  async inState(state: ActionState, after: number, limit = 1000): Promise<CommandExecution[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('status', '=', sql.lit(state))
      .where('execution_id', '>', after)
      .orderBy('execution_id')
      .limit(limit)
      .execute()
    return this.#read(rows)
  }

  /** How many actions are in a state that is not final. */
  async countInState(state: ActionState): Promise<number> {
    const { n } = await this.#db
      .selectFrom('command_executions')
      .select((get) => get.fn.countAll<number>().as('n'))
      .where('status', '=', sql.lit(state))
      .executeTakeFirstOrThrow()
    return n
  }

  /** Pending actions that are the same in everything an approval binds. */
  async pendingWithDigest(digest: string): Promise<CommandExecution[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .selectAll()
      .where('status', '=', sql.lit('pending' as const))
      .where('digest', 'in', this.#forms(digest))
      .orderBy('execution_id')
      .execute()
    return this.#read(rows)
  }

  /** When persons denied the agent's latest actions, newest first, in milliseconds since 1970. */
  async latestDenials(agentId: string, limit: number): Promise<number[]> {
    const rows = await this.#db
      .selectFrom('command_executions')
      .select('finished_at')
      .where('agent_id', '=', agentId)
      // written out, so that the index of just these is taken
      .where(sql<boolean>`status = 'denied' and decided_by <> 'policy'`)
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
      .where('digest', 'in', this.#forms(like.digest))
      // written out, so that the index of just these is taken
      .where(
        sql<boolean>`status = 'completed' and trust_level = 'SAFE' and reused_from is null
          and workflow_id is not null`,
      )
      .orderBy('execution_id', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (earlier?.execution_timestamp == null) return undefined
    const since = earlier.execution_timestamp
    const write = await this.#db
      .selectFrom('command_executions')
      .select('execution_id')
      .where(sql<boolean>`trust_level <> 'SAFE' and execution_timestamp is not null`)
      .where((is) => is.or([is('finished_at', 'is', null), is('finished_at', '>=', since)]))
      .limit(1)
      .executeTakeFirst()
    return write === undefined ? earlier : undefined
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
  async unpublished(limit: number): Promise<OutboxItem[]> {
    const rows = await this.#db
      .selectFrom('action_results')
      .selectAll()
      .where('published_at', 'is', null)
      .orderBy('execution_id')
      .limit(limit)
      .execute()
    // nobody may hear of an end that a loss of power would undo
    await this.#commits.durable()
    return rows.map(({ sealed, ...row }) => ({
      ...row,
      result: this.#secrets.openResult({ ...row, sealed }),
    }))
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
    // lost with the power, it is published once more with the same content
    return this.#commits.write(
      async ({ tx }) => {
        await tx
          .updateTable('action_results')
          .set({ published_at: publishedAt })
          .where('execution_id', 'in', executionIds)
          .execute()
      },
      { isDurable: false },
    )
  }

  async #read(rows: readonly CommandExecution[]): Promise<CommandExecution[]> {
    const whole = await this.#secrets.restore(this.#db, rows)
    await this.#commits.durable()
    return whole
  }

  /** A digest as it is, and as it is stored of a masked action. */
  #forms(digest: string): string[] {
    return [digest, this.#secrets.masker.keyed(digest)]
  }

  async #known(tx: Tx, row: NewCommandExecution): Promise<Intake> {
    const action = await tx
      .selectFrom('command_executions')
      .selectAll()
      .where('agent_id', '=', row.agent_id)
      .where('action_id', '=', row.action_id)
      .executeTakeFirstOrThrow()
    return {
      kind: this.#forms(row.request_hash).includes(action.request_hash) ? 'known' : 'conflict',
      action,
    }
  }

  async #take(
    batch: Batch,
    executionId: number,
    step: Step,
  ): Promise<CommandExecution | undefined> {
    assertStep(step.from, step.to)
    const { tx } = batch
    const secrets = this.#secrets.secretsOf(executionId)
    const only = step.only?.digest
    const digests = only === undefined ? undefined : only === null ? [null] : this.#forms(only)
    const changes = this.#maskedChanges(step.changes, secrets)
    const row = await this.#statements.step(tx, executionId, { ...step, changes }, digests)
    if (row === undefined) return undefined
    if (row.masked === 1 && 'digest' in step.changes) {
      const [whole] = await this.#secrets.restore(tx, [row])
      if (whole) await this.#secrets.keepChanged(batch, { ...whole, ...step.changes })
    }
    this.#tell(batch, row, step.at, [step.told], secrets)
    return row
  }

  #maskedChanges(changes: Changes, secrets: ReadonlySet<string>): Changes {
    const { masker } = this.#secrets
    const masked: Record<string, unknown> = { ...changes }
    for (const name of ['reason', 'stdout_preview', 'stderr_preview'] as const) {
      const text = changes[name]
      if (typeof text === 'string') masked[name] = withoutNul(masker.mask(text, secrets))
    }
    if (secrets.size === 0) return masked
    for (const name of ['verdict', 'bound'] as const) {
      const text = changes[name]
      if (typeof text === 'string') {
        masked[name] = JSON.stringify(masker.maskDeep(JSON.parse(text) as unknown, secrets))
      }
    }
    if (typeof changes.digest === 'string') masked['digest'] = masker.keyed(changes.digest)
    return masked
  }

  /** The last event of an action carries the hash of its record, which never changes again. */
  #tell(
    batch: Batch,
    action: RecordedRow &
      Pick<CommandExecution, 'execution_id' | 'agent_id' | 'action_id' | 'status'>,
    at: number,
    told: readonly Told[],
    secrets: ReadonlySet<string>,
  ): void {
    const { masker } = this.#secrets
    told.forEach(({ kind, data = {} }, index) => {
      const isLast = index === told.length - 1 && isFinal(action.status)
      const masked = masker.maskDeep(data, secrets)
      batch.tell({
        timestamp: at,
        executionId: action.execution_id,
        agentId: action.agent_id,
        actionId: action.action_id,
        kind,
        data: {
          ...masked,
          ...(secrets.size > 0 &&
            typeof data['digest'] === 'string' && { digest: masker.keyed(data['digest']) }),
          ...(isLast && { record: hashOfRecord(action) }),
        },
      })
    })
  }

  async #putResult(tx: Tx, executionId: number, terminal: Terminal): Promise<void> {
    const text = JSON.stringify(terminal.result(executionId))
    await this.#statements.insertResult(tx, {
      executionId,
      subject: terminal.subject,
      stored: terminal.stored === false ? 0 : 1,
      ...this.#secrets.sealResult(text, executionId),
    })
  }
}

/** How many other actions of an agent wait for a person. */
async function countPending(tx: Tx, agentId: string, actionId: string): Promise<number> {
  const { n } = await tx
    .selectFrom('command_executions')
    .select((get) => get.fn.countAll<number>().as('n'))
    .where('status', '=', sql.lit('pending' as const))
    .where('agent_id', '=', agentId)
    .where('action_id', '!=', actionId)
    .executeTakeFirstOrThrow()
  return n
}

/** A character that PostgreSQL keeps in no text. */
function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\u2400') : text
}

function storable(row: NewCommandExecution): NewCommandExecution {
  const texts = [row.command, row.context, row.reason, row.stdout_preview, row.stderr_preview]
  if (!texts.some((text) => text?.includes('\0'))) return row
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutNul(value) : value,
    ]),
  ) as unknown as NewCommandExecution
}
