import type { Judgement, Logger } from '@centralpost/shared'
import type { ActionParts } from './action-parts.ts'
import { describeChoice, type ProfileChoice } from '../execution/index.ts'
import type { Transition, ActionEvent } from '../history/ledger/ledger-step.ts'
import { retryWhileLocked } from '../history/ledger/retry-while-locked.ts'
import type { Execution, NewExecution } from '../history/store/execution.ts'
import { clearanceOf } from './clearance.ts'
import { logFieldsOf, endAction } from './end-action.ts'
import { deniedOf, startOf } from './event-messages.ts'
import { earliest } from './first-record.ts'
import { HubStopping, outcomeOfFault, outputListener, runEnd, runOf } from './run.ts'
import type { RunningActions } from './running-actions.ts'

/**
 * How long a stopping hub retries to record its last commands, beyond the grace period, in
 * milliseconds.
 */
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
  /** lifetime of an approval */
  readonly clocks: {
    isOver(row: Execution): boolean
    watch(row: Execution): void
    forget(executionId: number): void
  }
  /** asks for a new approval after a change */
  readonly requestApproval: (row: Execution) => void
}

/** Runs queued actions to their end: re-check → start → execution → result. */
export class ActionWorker {
  readonly #parts: ActionWorkerParts
  readonly #log: Logger
  /** aborted when a stopping hub no longer waits for an unwritable database */
  readonly #givingUp = new AbortController()
  #isStopping = false

  constructor(parts: ActionWorkerParts) {
    this.#parts = parts
    this.#log = parts.log
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Runs one queued action to its end, if it is still allowed. Never rejects. */
  async carryOut(executionId: number): Promise<void> {
    try {
      const started = await this.#untilWritten(executionId, () => this.#start(executionId))
      if (started !== null) await this.runToEnd(started.row, started.judgement)
    } catch (error) {
      // the row stays in the ledger: the next start of a hub settles it
      this.#log.error('starting an action failed', { executionId, error })
    }
  }

  /** Takes the step to `running`, if the action is still cleared. Null otherwise. */
  async #start(executionId: number): Promise<{ row: Execution; judgement: Judgement } | null> {
    const { ledger, now } = this.#parts
    const row = await ledger.get(executionId)
    if (row.status !== 'queued') return null
    const judgement = await this.#clearedStill(row)
    // a stopping hub leaves it queued for the next one
    if (judgement === null || this.#isStopping) return null
    const startedAt = now()
    const step: Transition = {
      from: ['queued'],
      to: 'running',
      where: { digest: row.digest },
      at: startedAt,
      changes: { execution_timestamp: startedAt, deadline: null },
      told: this.startOf(row, judgement),
    }
    const applied = await this.#parts.running.register(
      row,
      () => ledger.step(executionId, step),
      Boolean,
    )
    if (!applied) return null
    this.#parts.clocks.forget(executionId)
    return { row: { ...row, execution_timestamp: startedAt }, judgement }
  }

  /**
   * Runs an action that the ledger says is running, and records its end. Never rejects, so that the
   * queue goes on.
   */
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
        this.#log.error('the executor failed', { ...logFieldsOf(row), error })
        return outcomeOfFault(error, row.cwd ?? '', performance.now() - begun)
      })
      const { ending, told, changes } = runEnd(outcome, signal.reason, now())
      await this.#untilWritten(row.execution_id, () =>
        endAction(this.#parts, row, ['running'], ending, told, changes),
      )
    } catch (error) {
      // the row stays in the ledger: the next start of a hub settles it
      this.#log.error('completing an action failed', { ...logFieldsOf(row), error })
    } finally {
      this.#parts.running.forget(row)
    }
  }

  /**
   * Starts nothing more, gives running commands time to finish, then ends them.
   *
   * @param graceMs time for running commands, in milliseconds
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
    return retryWhileLocked(work, { giveUp: this.#givingUp.signal, log })
  }

  /**
   * Judges an action again right before its start, if its verdict or approval is old. Null when it
   * may no longer start: it has ended, or waits for a new approval.
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
    const applied = await ledger.step(row.execution_id, {
      from: ['queued'],
      to: 'pending',
      where: { digest: row.digest },
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
    if (applied) {
      this.#log.warn('back to review', { ...logFieldsOf(row), changed: what })
      this.#parts.requestApproval(await ledger.get(row.execution_id))
    }
    return null
  }

  /** The audit event of a start. */
  startOf(row: Confinable, judgement: Judgement): ActionEvent {
    const sandbox = describeChoice(this.#confinementOf(row, judgement))
    return { kind: 'started', data: { plan: judgement.verdict.plan, sandbox } }
  }

  /** A command shown to a person as REVIEW runs as that, even if the rules now call it SAFE. */
  #confinementOf(row: Confinable, judgement: Judgement): ProfileChoice {
    const level = row.trust_level ?? judgement.verdict.level
    return this.#parts.sandboxFor({ ...judgement, level, cwd: row.cwd ?? '' })
  }

  async #deny(row: Execution, reason: string, suggestion: string | null): Promise<void> {
    const at = this.#parts.now()
    const applied = await endAction(
      this.#parts,
      row,
      ['queued'],
      { status: 'denied', at, reason, suggestion },
      { kind: 'denied', data: { by: 'policy', reason } },
      { decided_by: 'policy', trust_level: row.trust_level },
    )
    if (applied)
      this.#parts.announce.denied(deniedOf(row, { by: 'policy', reason, suggestion, at }))
  }
}
