import { join } from 'node:path'
import { AuditTrail } from '#hub/history/audit/audit-trail.ts'
import { CommandHistory } from '#hub/history/threads/command-history.ts'
import { openStore } from '#hub/history/store/database.ts'
import type { Store, StoreLocation } from '#hub/history/store/dialect/dialect.ts'
import { GroupCommit } from '#hub/history/audit/group-commit.ts'
import { Ledger } from '#hub/history/ledger/ledger.ts'
import type { ActionEvent } from '#hub/history/ledger/ledger-step.ts'
import { type MaskingSettings, SecretKeeper } from '#hub/history/masking/secret-keeper.ts'
import { ApprovalStore } from '#hub/history/ledger/approval-store.ts'
import { Indexer } from '#hub/history/threads/indexer.ts'
import { PatternStore } from '#hub/history/patterns/pattern-store.ts'
import type { NewExecution } from '#hub/history/store/execution.ts'
import { findPostgres, TestPostgres } from './postgres.ts'
import { TempDir } from './temp-dir.ts'

/** The databases that a suite is run on; `postgres-is-there.test.ts` says when PostgreSQL is not one of them. */
export const backends = [
  { backend: 'sqlite' as const, title: 'SQLite' },
  ...(findPostgres() === undefined ? [] : [{ backend: 'postgres' as const, title: 'PostgreSQL' }]),
]

/** Where histories of one test file are made. */
export class HistoryPlace {
  readonly #backend: 'sqlite' | 'postgres'
  readonly #server: TestPostgres | undefined

  private constructor(backend: 'sqlite' | 'postgres', server: TestPostgres | undefined) {
    this.#backend = backend
    this.#server = server
  }

  static async open(backend: 'sqlite' | 'postgres'): Promise<HistoryPlace> {
    return new HistoryPlace(
      backend,
      backend === 'postgres' ? await TestPostgres.start() : undefined,
    )
  }

  async make(masking: MaskingSettings = { isOn: true }): Promise<HistoryFixture> {
    const dir = await TempDir.make()
    const location: StoreLocation =
      this.#backend === 'sqlite' || this.#server === undefined
        ? { backend: 'sqlite', dataDir: dir.path }
        : { backend: 'postgres', url: await this.#server.database() }
    return HistoryFixture.open(dir, location, masking)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }
}

/** A history in one thread: the ledger, what is derived from it, and what asks. */
export class HistoryFixture {
  readonly dir: TempDir
  readonly location: StoreLocation
  readonly store: Store
  readonly memory: Store
  readonly commits: GroupCommit
  readonly secrets: SecretKeeper
  readonly ledger: Ledger
  readonly approvals: ApprovalStore
  readonly history: CommandHistory
  readonly patterns: PatternStore
  readonly indexer: Indexer
  #isClosed = false

  private constructor(
    dir: TempDir,
    location: StoreLocation,
    stores: { store: Store; memory: Store },
    masking: MaskingSettings,
  ) {
    this.dir = dir
    this.location = location
    this.store = stores.store
    this.memory = stores.memory
    const { db, dialect } = stores.store
    const trail = new AuditTrail(db, dialect)
    this.commits = new GroupCommit({
      db,
      dialect,
      trail,
      onUncertain: (error) => {
        throw new Error('not on the disk', { cause: error })
      },
    })
    this.secrets = SecretKeeper.open(join(dir.path, 'history.key'), masking)
    this.ledger = new Ledger({ db, dialect, commits: this.commits, secrets: this.secrets })
    this.approvals = new ApprovalStore(db, this.commits, this.secrets)
    this.history = new CommandHistory(stores.memory)
    this.patterns = new PatternStore(stores.memory.db)
    this.indexer = new Indexer(stores.memory, 'hub')
  }

  static async open(
    dir: TempDir,
    location: StoreLocation,
    masking: MaskingSettings = { isOn: true },
  ): Promise<HistoryFixture> {
    const store = await openStore(location, 'ledger')
    const memory = await openStore(location, 'memory')
    return new HistoryFixture(dir, location, { store, memory }, masking)
  }

  /** Records an execution that has ended, as one commit. */
  async record(
    fields: Partial<NewExecution> & { readonly command: string },
    told: readonly ActionEvent[] = [{ kind: 'finished' }],
  ): Promise<number> {
    const intake = await this.ledger.takeIn(ended(fields), told)
    if (intake.kind !== 'new') throw new Error(`not new: ${intake.kind}`)
    return intake.executionId
  }

  /** Brings the memory up to date. */
  async index(): Promise<void> {
    while (await this.indexer.step()) {
      // until there is nothing more
    }
  }

  /** Closes it and opens it anew, as a hub that was stopped. */
  async reopened(): Promise<HistoryFixture> {
    await this.close()
    return HistoryFixture.open(this.dir, this.location)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.commits.idle()
    await this.memory.close()
    await this.store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    await this.dir[Symbol.asyncDispose]()
  }
}

let made = 0

/** A row in its first state, queued. */
export function queued(fields: Partial<NewExecution> = {}): NewExecution {
  made += 1
  const command = fields.command ?? `echo ${made}`
  return {
    action_id: `action-${made}`,
    agent_id: 'agent-a',
    command,
    command_hash: `hash of ${command}`,
    request_hash: `request ${command}`,
    env: {},
    timeout_ms: 1000,
    stream_output: 1,
    status: 'queued',
    hub_id: 'hub',
    timestamp: 1_700_000_000_000 + made * 1000,
    ...fields,
  }
}

/** A row of something that ran and ended, well unless `success` says otherwise. */
export function ended(fields: Partial<NewExecution> & { readonly command: string }): NewExecution {
  const row = queued(fields)
  const success = fields.success ?? 1
  return {
    trust_level: 'SAFE',
    cwd: '/srv/project',
    execution_timestamp: row.timestamp + 5,
    finished_at: row.timestamp + 105,
    duration: 100,
    exit_code: success === 1 ? 0 : 1,
    approved_by: 'auto',
    stdout_preview: '',
    stderr_preview: '',
    venv_active: 0,
    output_size: 0,
    ...row,
    success,
    status: fields.status ?? (success === 1 ? 'completed' : 'failed'),
  }
}
