import type { ActionState } from '@centralpost/shared'
import { sql, type UpdateObject } from 'kysely'
import { assertStep, isFinal } from './action-state.ts'
import { asciiJson, hashOfRecord, withRecord } from '../audit/audit-hash.ts'
import type { Tx } from '../store/dialect/dialect.ts'
import type { Batch, GroupCommit } from '../audit/group-commit.ts'
import { type LedgerParts, LedgerReads } from './ledger-reads.ts'
import { LedgerStatements } from './ledger-statements.ts'
import {
  type InsertOutcome,
  type Transition,
  type Terminal,
  type ActionEvent,
  unknownRequest,
} from './ledger-step.ts'
import type { SecretKeeper } from '../masking/secret-keeper.ts'
import type { MaskedRow } from '../masking/secrets-of-actions.ts'
import { type ReuseKey, ReusableResults } from './reusable-results.ts'
import {
  type ColumnChanges,
  columnsOf,
  type Execution,
  executionOf,
  type NewExecution,
  rowOf,
} from '../store/execution.ts'
import type { CommandExecution, NewCommandExecution, Schema } from '../store/schema.ts'
import { storable, withoutNul } from './storable.ts'

const mostPlain = 500
const longestPlain = 200
const freeTexts = ['reason', 'stdout_preview', 'stderr_preview'] as const

/** An action before its insert. */
interface Arrival {
  readonly row: NewCommandExecution
  readonly masked: MaskedRow
  readonly stored: NewCommandExecution
  readonly told: readonly ActionEvent[]
  readonly terminal: Terminal | undefined
  readonly at: number
}

interface IntakeOptions {
  readonly terminal?: Terminal | undefined
  readonly most?: number | undefined
  readonly at?: number | undefined
}

/**
 * The ledger decides what has happened to an action; the bus only carries messages. Every step is a
 * conditional update, durable when it returns, together with its audit event and, at the end, with
 * the outgoing result.
 */
export class Ledger extends LedgerReads {
  readonly #commits: GroupCommit
  readonly #secrets: SecretKeeper
  readonly #statements: LedgerStatements
  readonly #reusables = new ReusableResults()
  /** texts without any hint of a secret */
  readonly #plain = new Set<string>()

  constructor(parts: LedgerParts) {
    super(parts)
    this.#commits = parts.commits
    this.#secrets = parts.secrets
    this.#statements = new LedgerStatements(parts.db, parts.dialect)
  }

  /**
   * Inserts a request. Agent id + action id identify an action; this is the only place that decides
   * whether it is new.
   *
   * @param execution the action in its first state
   * @param told the audit events of the intake, in order
   * @param options.terminal the result, when the first state is final already
   * @param options.most limit of the agent's actions in that state
   * @param options.at time of the events, in milliseconds since 1970 @default the request's time
   */
  takeIn(
    execution: NewExecution,
    told: readonly ActionEvent[],
    { terminal, most, at = execution.timestamp }: IntakeOptions = {},
  ): Promise<InsertOutcome> {
    const row = rowOf(execution)
    const masked = this.#secrets.mask(row)
    const stored = storable({ ...masked.row, ...this.#maskedTexts(row, masked.secrets) })
    const arrival = { row, masked, stored, told, terminal, at }
    return this.#commits.write<InsertOutcome>((batch) =>
      most === undefined
        ? this.#insert(batch, arrival)
        : this.#insertUnlessFull(batch, arrival, most),
    )
  }

  /**
   * Moves an action to a non-final state, or does nothing.
   *
   * @returns whether the step applied; false when another step was first
   */
  async step(executionId: number, step: Transition): Promise<boolean> {
    const isTaken = await this.#commits.write(
      async (batch) => (await this.#take(batch, executionId, step)) !== undefined,
    )
    if (isTaken && step.to === 'running') this.#reusables.begin(executionId)
    return isTaken
  }

  /**
   * Ends an action: its final state and the outgoing result share one transaction. Final states
   * never change.
   *
   * @returns whether this call ended it; false when it had ended already
   */
  async recordExecution(
    executionId: number,
    step: Transition,
    terminal: Terminal,
  ): Promise<boolean> {
    const ended = await this.#commits.write(async (batch) => {
      const row = await this.#take(batch, executionId, step)
      if (row === undefined) return undefined
      await this.#putResult(batch.tx, executionId, terminal)
      if (row.masked === 1) await this.#secrets.forget(batch, executionId)
      return row
    })
    if (ended !== undefined) this.#reusables.note(ended)
    return ended !== undefined
  }

  /**
   * The latest execution with a reusable result: the same command of the same workflow, SAFE and
   * completed under this hub, with no possible writer running since it began.
   */
  async reusable(like: ReuseKey): Promise<Execution | undefined> {
    const [id] = this.formsOf(like.digest)
      .map((digest) => this.#reusables.find({ ...like, digest }))
      .filter((known) => known !== undefined)
    if (id === undefined) return undefined
    const earlier = await this.get(id)
    const since = earlier.execution_timestamp
    return since === null || (await this.hasWrittenSince(since)) ? undefined : earlier
  }

  markPublished(executionIds: readonly number[], at: number): Promise<void> {
    // if lost at a power failure, it is published once more with the same content
    return this.#commits.write(
      async ({ tx }) => {
        await changeResults(tx, executionIds, { published_at: at })
      },
      { isDurable: false },
    )
  }

  /**
   * Resends a result: its agent asked again.
   *
   * @param ended the message for a deleted result; absent: the action has not ended
   */
  publishAgain(executionId: number, ended?: Terminal): Promise<void> {
    // results kept out of the stream are published while unconfirmed
    const stored = sql<number>`case when stored = 0 then 0 else 2 end`
    const changes = { published_at: null, stored }
    return this.#commits.write(
      async ({ tx }) => {
        const isKept = await changeResults(tx, [executionId], changes)
        if (isKept || ended === undefined) return
        await this.#putResult(tx, executionId, ended)
        await changeResults(tx, [executionId], changes)
      },
      { isDurable: false },
    )
  }

  /** Resolves when no write is in progress. */
  idle(): Promise<void> {
    return this.#commits.idle()
  }

  async #insertUnlessFull(batch: Batch, arrival: Arrival, most: number): Promise<InsertOutcome> {
    const { agent_id, action_id } = arrival.row
    const waiting = await countOthers(batch.tx, arrival.row.status, agent_id, action_id)
    return waiting >= most ? { kind: 'full', waiting } : this.#insert(batch, arrival)
  }

  /** Avoids a promise for each row of a commit where the database answers synchronously. */
  #insert(batch: Batch, arrival: Arrival): InsertOutcome | Promise<InsertOutcome> {
    const inserted = this.#statements.insertExecution(batch.tx, arrival.stored)
    const goOn = (executionId: number | undefined) =>
      executionId === undefined
        ? this.#known(batch.tx, arrival)
        : this.#inserted(batch, executionId, arrival)
    return inserted instanceof Promise ? inserted.then(goOn) : goOn(inserted)
  }

  #inserted(
    batch: Batch,
    executionId: number,
    arrival: Arrival,
  ): InsertOutcome | Promise<InsertOutcome> {
    const { masked, stored, told, terminal, at } = arrival
    const { secrets } = masked
    if (stored.status === 'running') this.#reusables.begin(executionId)
    this.#tell(batch, executionId, stored, { at, told, secrets })
    const intake = { kind: 'new', executionId } as const
    const keeping = masked.original !== null && this.#secrets.keep(batch, executionId, masked)
    const putting = terminal !== undefined && this.#putResult(batch.tx, executionId, terminal)
    return keeping || putting ? Promise.all([keeping, putting]).then(() => intake) : intake
  }

  async #known(tx: Tx, { row, stored }: Arrival): Promise<InsertOutcome> {
    const action = await tx
      .selectFrom('command_executions')
      .selectAll()
      .where('agent_id', '=', row.agent_id)
      .where('action_id', '=', row.action_id)
      .executeTakeFirstOrThrow()
    const isSame = this.formsOf(unknownRequest).includes(action.request_hash)
      ? action.command === stored.command && action.workflow_id === (stored.workflow_id ?? null)
      : this.formsOf(row.request_hash).includes(action.request_hash)
    const [whole = action] = await this.#secrets.restore(tx, [action])
    return { kind: isSame ? 'known' : 'conflict', action: executionOf(whole) }
  }

  async #take(
    batch: Batch,
    executionId: number,
    step: Transition,
  ): Promise<CommandExecution | undefined> {
    assertStep(step.from, step.to)
    const { tx } = batch
    const secrets = this.#secrets.secretsOf(executionId)
    const where = step.where?.digest
    const digests = where === undefined ? undefined : where === null ? [null] : this.formsOf(where)
    const told = columnsOf(step.changes)
    const changes = this.#maskedChanges(told, secrets)
    const row = await this.#statements.step(tx, executionId, { ...step, changes }, digests)
    if (row === undefined) return undefined
    if (row.masked === 1 && 'digest' in step.changes) {
      const [whole] = await this.#secrets.restore(tx, [row])
      if (whole) await this.#secrets.keepChanged(batch, { ...whole, ...told })
    }
    this.#tell(batch, executionId, row, { at: step.at, told: [step.told], secrets })
    return row
  }

  #maskedChanges(changes: ColumnChanges, secrets: ReadonlySet<string>): ColumnChanges {
    const { masker } = this.#secrets
    const masked: Record<string, unknown> = { ...changes, ...this.#maskedTexts(changes, secrets) }
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

  /** Text of a command or a person, with secrets masked. */
  #maskedTexts(said: ColumnChanges, secrets: ReadonlySet<string>): ColumnChanges {
    const { masker } = this.#secrets
    const masked: Partial<Record<(typeof freeTexts)[number], string>> = {}
    for (const name of freeTexts) {
      const text = said[name]
      if (typeof text === 'string') masked[name] = withoutNul(masker.mask(text, secrets))
    }
    return masked
  }

  /** The last event of an action carries the hash of its record, which never changes again. */
  #tell(
    batch: Batch,
    executionId: number,
    action: NewCommandExecution,
    {
      at,
      told,
      secrets,
    }: {
      readonly at: number
      readonly told: readonly ActionEvent[]
      readonly secrets: ReadonlySet<string>
    },
  ): void {
    told.forEach(({ kind, data = {} }, index) => {
      const isLast = index === told.length - 1 && isFinal(action.status)
      const text = this.#maskedData(data, secrets)
      batch.tell({
        timestamp: at,
        executionId,
        agentId: action.agent_id,
        actionId: action.action_id,
        kind,
        data: isLast ? withRecord(text, hashOfRecord(action)) : text,
      })
    })
  }

  /** The data of an event as JSON. */
  #maskedData(data: NonNullable<ActionEvent['data']>, secrets: ReadonlySet<string>): string {
    const { masker } = this.#secrets
    const text = asciiJson(data)
    if (secrets.size === 0 && this.#isPlain(text)) return text
    const { digest } = data
    const isKeyed = secrets.size > 0 && typeof digest === 'string'
    return asciiJson({
      ...masker.maskDeep(data, secrets),
      ...(isKeyed && { digest: masker.keyed(digest) }),
    })
  }

  /** Most events repeat a few texts: `{"status":"completed","exit_code":0}`. */
  #isPlain(text: string): boolean {
    if (this.#plain.has(text)) return true
    if (this.#secrets.masker.mayHold(text)) return false
    if (this.#plain.size < mostPlain && text.length < longestPlain) this.#plain.add(text)
    return true
  }

  async #putResult(tx: Tx, executionId: number, terminal: Terminal): Promise<void> {
    const { text } = terminal.result(executionId)
    await this.#statements.insertResult(tx, {
      executionId,
      subject: terminal.subject,
      stored: terminal.stored === false ? 0 : 1,
      publishedAt: terminal.publishedAt ?? null,
      ...this.#secrets.sealResult(text, executionId),
    })
  }
}

/** @returns whether any of them is kept */
async function changeResults(
  tx: Tx,
  executionIds: readonly number[],
  changes: UpdateObject<Schema, 'action_results'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('action_results')
    .set(changes)
    .where('execution_id', 'in', executionIds)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** The number of an agent's other actions in a state. */
async function countOthers(
  tx: Tx,
  status: ActionState,
  agentId: string,
  actionId: string,
): Promise<number> {
  const { n } = await tx
    .selectFrom('command_executions')
    .select((get) => get.fn.countAll<number>().as('n'))
    .where('status', '=', sql.lit(status))
    .where('agent_id', '=', agentId)
    .where('action_id', '!=', actionId)
    .executeTakeFirstOrThrow()
  return n
}
