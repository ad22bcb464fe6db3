import type { Judgement, Logger } from '@centralpost/shared'
import type { ActionParts } from './action-parts.ts'
import { describeChoice, type ProfileChoice } from '../execution/index.ts'
import type { Step, Told } from '../history/ledger/ledger-step.ts'
import { untilWritten } from '../history/ledger/until-written.ts'
import type { Execution, NewExecution } from '../history/store/execution.ts'
import { clearanceOf } from './clearance.ts'
import { about, conclude } from './end-action.ts'
import { deniedOf, startOf } from './event-messages.ts'
import { earliest } from './first-record.ts'
import { HubStopping, outcomeOfFault, outputListener, runEnd, runOf } from './run.ts'
import type { RunningActions } from './running-actions.ts'

/** How long a stopping hub tries to record what its last commands did, beyond the grace period. */
const lastWritesMs = 15_000

type Confinable = Pick<NewExecution, 'trust_level' | 'cwd'>

export interface ActionWorkerParts extends Pick<
  ActionParts,
  | 'announce'
  | 'checkCwd'
  | 'executeCommand'
  | 'judge'
  | 'ledger'
  | 'log'
  | 'now'
  | 'policy'
  | 'publishResult'
  | 'sandboxFor'
  | 'whereIs'
> {
  readonly running: RunningActions
  readonly limits: { readonly pendingMs: number }
  /** how long an approval holds */
  readonly clocks: {
    isOver(row: Execution): boolean
    watch(row: Execution): void
    forget(executionId: number): void
  }
  /** asks a person again about what has changed */
  readonly requestApproval: (row: Execution) => void
}

/** Starts what stood in line, if it still may, and sees it to its end: re-check → start → execution → result. */
export class ActionWorker {
  readonly #parts: ActionWorkerParts
  readonly #log: Logger
  /** over when a stopping hub no longer waits for a database that cannot be written */
  readonly #givingUp = new AbortController()
  #isStopping = false

  constructor(parts: ActionWorkerParts) {
    this.#parts = parts
    this.#log = parts.log
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Starts one action that stood in line, if it still may, and sees it to its end. Never rejects. */
  async carryOut(executionId: number): Promise<void> {
    try {
      const started = await this.#untilWritten(executionId, () => this.#start(executionId))
      if (started !== null) await this.runToEnd(started.row, started.judgement)
    } catch (error) {
      // the row stays as it is in the ledger: the next start of a hub settles it
      this.#log.error('an action could not be started', { executionId, error })
    }
  }

  /** Takes the step to `running`, if the action still stands cleared. Null when it is not to run. */
  async #start(executionId: number): Promise<{ row: Execution; judgement: Judgement } | null> {
    const { ledger, now } = this.#parts
    const row = await ledger.get(executionId)
    if (row.status !== 'queued') return null
    const judgement = await this.#clearedStill(row)
    // a hub that stops leaves it queued, for the next one
    if (judgement === null || this.#isStopping) return null
    const startedAt = now()
    const step: Step = {
      from: ['queued'],
      to: 'running',
      only: { digest: row.digest },
      at: startedAt,
      changes: { execution_timestamp: startedAt, deadline: null },
      told: this.startOf(row, judgement),
    }
    const isMine = await this.#parts.running.register(
      row,
      () => ledger.step(executionId, step),
      Boolean,
    )
    if (!isMine) return null
    this.#parts.clocks.forget(executionId)
    return { row: { ...row, execution_timestamp: startedAt }, judgement }
  }

  /** Runs what the ledger says is running, and records how it ended. Never rejects: the queue goes on. */
  async runToEnd(row: Execution, judgement: Judgement): Promise<void> {
    const { announce, executeCommand, now } = this.#parts
    const begun = performance.now()
    try {
      const signal = this.#parts.running.signalOf(row)
      const onOutput = outputListener(row, announce)
      announce.started(startOf(row, row.execution_timestamp ?? now()))
      const run = runOf(row, judgement.verdict, this.#confinementOf(row, judgement))
      const controls = { signal, ...(onOutput && { onOutput }) }
      const outcome = await executeCommand(run, controls).catch((error: unknown) => {
        this.#log.error('the executor failed', { ...about(row), error })
        return outcomeOfFault(error, row.cwd ?? '', performance.now() - begun)
      })
      const { ending, told, changes } = runEnd(outcome, signal.reason, now())
      await this.#untilWritten(row.execution_id, () =>
        conclude(this.#parts, row, ['running'], ending, told, changes),
      )
    } catch (error) {
      // the row stays as it is in the ledger: the next start of a hub settles it
      this.#log.error('an action could not be seen to its end', { ...about(row), error })
    } finally {
      this.#parts.running.forget(row)
    }
  }

  /**
   * Starts nothing more, lets what runs finish for a while, then ends it.
   *
   * @param graceMs how long what runs may go on, in milliseconds
   * @param idle resolves when nothing runs
   */
  async stop(graceMs: number, idle: Promise<void>): Promise<void> {
    this.#isStopping = true
    const grace = setTimeout(() => {
      this.#parts.running.endAll(new HubStopping())
    }, graceMs)
    const last = setTimeout(() => this.#givingUp.abort(), graceMs + lastWritesMs)
    await idle
    clearTimeout(grace)
    clearTimeout(last)
  }

  #untilWritten<T>(executionId: number, work: () => Promise<T>): Promise<T> {
    const log = this.#log.child({ executionId })
    return untilWritten(work, { giveUp: this.#givingUp.signal, log })
  }

  /**
   * Judges again, right before the start, what was judged or approved a while ago. Null when it may not start (any
   * more): then it has been ended, or waits for a person with what has changed.
   */
  async #clearedStill(row: Execution): Promise<Judgement | null> {
    const { now, ledger, limits } = this.#parts
    if (this.#parts.clocks.isOver(row)) {
      this.#parts.clocks.watch(row)
      return null
    }
    const clearance = await clearanceOf(row, this.#parts)
    if (clearance.kind === 'holds') return clearance.judgement
    const { verdict } = clearance
    if (clearance.kind === 'blocked') {
      const reason = `${clearance.what} since it was cleared: ${verdict.reasons.join('; ')}`
      await this.#deny({ ...row, trust_level: 'BLOCKED' }, reason, verdict.suggestion ?? null)
      return null
    }
    const { what, digest, bound } = clearance
    const isMine = await ledger.step(row.execution_id, {
      from: ['queued'],
      to: 'pending',
      only: { digest: row.digest },
      at: now(),
      changes: {
        approved_by: null,
        decided_by: null,
        approval_timestamp: null,
        deadline: earliest(now() + limits.pendingMs, row.expires_at),
        digest,
        bound,
        trust_level: 'REVIEW',
        verdict,
      },
      told: { kind: 'pending', data: { changed: what, digest } },
    })
    if (isMine) {
      this.#log.warn('back to review', { ...about(row), changed: what })
      this.#parts.requestApproval(await ledger.get(row.execution_id))
    }
    return null
  }

  /** The audit event of a start. */
  startOf(row: Confinable, judgement: Judgement): Told {
    const sandbox = describeChoice(this.#confinementOf(row, judgement))
    return { kind: 'started', data: { plan: judgement.verdict.plan, sandbox } }
  }

  /** What a person was shown as REVIEW runs as that, also when the rules call it SAFE by now. */
  #confinementOf(row: Confinable, judgement: Judgement): ProfileChoice {
    const level = row.trust_level ?? judgement.verdict.level
    return this.#parts.sandboxFor({ ...judgement, level, cwd: row.cwd ?? '' })
  }

  async #deny(row: Execution, reason: string, suggestion: string | null): Promise<void> {
    const at = this.#parts.now()
    const isMine = await conclude(
      this.#parts,
      row,
      ['queued'],
      { status: 'denied', at, reason, suggestion },
      { kind: 'denied', data: { by: 'policy', reason } },
      { decided_by: 'policy', trust_level: row.trust_level },
    )
    if (isMine) this.#parts.announce.denied(deniedOf(row, { by: 'policy', reason, suggestion, at }))
  }
}
