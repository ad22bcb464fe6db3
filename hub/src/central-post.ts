import type { ActionResult, ApprovalNeeded, Judgement, Logger, Verdict } from '@centralpost/shared'
import type { Incoming, Refused } from './action/admission.ts'
import { type ComeAgain, lineIsFull } from './action/come-again.ts'
import { ApprovalDesk } from './approval/approval-desk.ts'
import type {
  ApproveOptions,
  ApprovalOutcome,
  Decision,
  SameActions,
} from './approval/approval-desk-parts.ts'
import { coolDownOf } from './approval/cool-down.ts'
import { decidedBefore } from './approval/decided-before.ts'
import type { SentAway } from './bus/pace.ts'
import type { CentralPostParts } from './central-post-parts.ts'
import { logFieldsOf, endAction } from './action/end-action.ts'
import { isFinal } from './history/ledger/action-state.ts'
import type { InsertOutcome } from './history/ledger/ledger-step.ts'
import type { Execution, NewExecution } from './history/store/execution.ts'
import { ActionWorker } from './action/action-worker.ts'
import { earlierResult } from './action/earlier-result.ts'
import { judgeRequest } from './approval/judge-request.ts'
import type { Proposals } from './approval/proposals.ts'
import type { RuleBook } from './approval/rule-book.ts'
import { type ActionName, findAction } from './action/find-action.ts'
import { Orphans } from './action/orphans.ts'
import { interrupt, recover } from './action/recover.ts'
import { Refusals } from './action/refusals.ts'
import { Cancelled } from './action/run.ts'
import {
  type FirstRecord,
  firstRecordOf,
  firstRecordOfReuse,
  type FirstRecordSettings,
  rowAfter,
  startedAtOnce,
} from './action/first-record.ts'
import { type Reservation, RunQueue } from './action/run-queue.ts'
import { RunningActions } from './action/running-actions.ts'
import { resultOfRecord } from './action/result-message.ts'
import { deniedOf } from './action/event-messages.ts'

/**
 * How long a starting hub retries to record the fate of actions that were running, in milliseconds.
 */
const longestRecoveryMs = 60_000

/** An action and, when it has ended, its result. */
export interface ActionStanding {
  readonly action: Execution
  readonly result: ActionResult | null
}

/**
 * The life of an action: request → trust → approval → executor → history → result.
 *  Read it downwards. Each step is a conditional update in the ledger, on disk before it takes
 * effect. A hub killed at any line therefore loses nothing and repeats nothing: `recover` of the
 * next one continues. The states and steps are in `history/ledger/action-state.ts`.
 */
export class CentralPost {
  readonly #parts: CentralPostParts
  readonly #log: Logger
  readonly #desk: ApprovalDesk
  readonly #queue: RunQueue
  readonly #refusals: Refusals
  readonly #running = new RunningActions()
  readonly #worker: ActionWorker
  readonly #orphans: Orphans

  constructor(parts: CentralPostParts) {
    this.#parts = parts
    this.#log = parts.log
    this.#refusals = new Refusals(parts, this.#settings)
    this.#queue = new RunQueue(parts.limits, (executionId) => this.#worker.carryOut(executionId))
    this.#desk = new ApprovalDesk({
      ...parts,
      release: (row) => this.#queue.push(row.agent_id, row.execution_id),
      isInLine: (executionId) => this.#queue.isInLine(executionId),
    })
    const { clocks } = this.#desk
    this.#worker = new ActionWorker({
      ...parts,
      running: this.#running,
      clocks,
      requestApproval: (row) => this.#desk.requestApproval(row),
    })
    this.#orphans = new Orphans({
      ...parts,
      isWatched: {
        pending: (action) => clocks.isWatched(action.execution_id),
        queued: (action) => this.#queue.isInLine(action.execution_id) || this.#running.has(action),
        running: (action) => this.#running.has(action),
      },
      adopt: {
        pending: (row, leftMs) => this.#desk.requestApproval(row, leftMs ?? undefined),
        queued: (row, leftMs) => this.#enqueue(row, leftMs ?? undefined),
        running: async (row) => {
          await interrupt(this.#parts, row, 'its end is unknown; it is not run again')
        },
      },
    })
  }

  /** The running and the queued actions. */
  get load(): { readonly running: number; readonly queued: number } {
    return { running: this.#queue.running, queued: this.#queue.waiting }
  }

  /**
   * Takes a request in. When this resolves, the request is in the ledger with its verdict and may
   * be acknowledged: SAFE has been queued or started, REVIEW waits for approval, BLOCKED and bad
   * input have their result.
   *
   * @returns `taken`; else the agent has reached a limit, and was told when to retry
   * @throws when the ledger is not writable: then nothing has happened, and the broker redelivers
   *   the request
   */
  async requestSystemAction(incoming: Incoming): Promise<'taken' | SentAway> {
    const { admit, approvals, judge, limits, now } = this.#parts
    const admission = await admit(incoming)
    if (!admission.ok) {
      await this.#refusals.reject(admission.refused)
      return 'taken'
    }

    const { action, requestHash } = admission
    const judgement = judge(action.argv ?? action.command, action)
    const { verdict } = judgement
    const judged = await judgeRequest({ action, requestHash, judgement }, this.#desk, this.#parts)
    const earlier = await earlierResult(judged, this.#parts)
    const first =
      earlier === null
        ? firstRecordOf(judged, now(), this.#settings)
        : firstRecordOfReuse(judged, earlier, now(), this.#settings)
    const isPending = first.row.status === 'pending'
    const pressure = isPending ? await coolDownOf(action.agentId, this.#parts) : null
    if (pressure !== null) return this.#sendAway({ ...action, requestHash }, pressure, null)

    const { intake, row, place } = await this.#takeIn(first, judgement)
    if (intake.kind === 'full') {
      const { agentId } = action
      const waitMs = isPending ? limits.pendingMs : this.#queue.expectedWaitMs(agentId)
      const state = isPending ? 'pending' : 'queued'
      const full = lineIsFull({ agentId, state, waiting: intake.waiting, waitMs })
      return this.#sendAway({ ...action, requestHash }, full, isPending ? null : waitMs)
    }
    if (intake.kind !== 'new') {
      if (intake.kind === 'known') await this.#refusals.repeat(intake.action, action.messageId)
      else await this.#refusals.rejectReuse({ ...action, requestHash })
      return 'taken'
    }

    const taken = rowAfter(row, intake.executionId)
    this.#log.info('request taken in', {
      ...logFieldsOf(taken),
      level: verdict.level,
      state: row.status,
    })
    // nothing may fail between the ledger and this line: a redelivery would find the action known
    if (place !== null) place.run(() => this.#worker.runToEnd(taken, judgement))
    else if (row.status === 'queued') this.#enqueue(taken)
    else if (row.status === 'pending') this.#desk.requestApproval(taken)
    else this.#tellEnd(taken, verdict)
    if (judged.rule) await approvals.countUse(judged.rule.rule_id, now())
    return 'taken'
  }

  /** The state and result of an action. */
  async getActionResult(name: ActionName): Promise<ActionStanding> {
    const { ledger } = this.#parts
    const found = await this.#find(name)
    if (!isFinal(found.status)) {
      const result = await ledger.result(found.execution_id)
      if (result === null) return { action: found, result }
    }
    // it may have ended between the two reads, and then it says so
    const action = isFinal(found.status) ? found : await ledger.get(found.execution_id)
    const result = await ledger.result(action.execution_id)
    return { action, result: result ?? resultOfRecord(action).result }
  }

  /** A page of the actions waiting for approval, oldest first. See `ApprovalDesk.pending`. */
  getPendingActions(after = 0): Promise<ApprovalNeeded[]> {
    return this.#desk.pending(after)
  }

  /** Approves a pending action, exactly as shown. See `ApprovalDesk.approve`. */
  async approveAction(
    name: ActionName,
    decision: Decision,
    options: ApproveOptions = {},
  ): Promise<ApprovalOutcome> {
    return this.#desk.approve(await this.#find(name), decision, options)
  }

  /** Denies a pending action; the reason is sent to the agent. See `ApprovalDesk.deny`. */
  async denyAction(
    name: ActionName,
    decision: Decision & { readonly reason: string },
  ): Promise<{ readonly row: Execution; readonly same: SameActions }> {
    return this.#desk.deny(await this.#find(name), decision)
  }

  /** The always rules. */
  get rules(): RuleBook {
    return this.#desk.rules
  }

  /** The proposed always rules. */
  get proposals(): Proposals {
    return this.#desk.proposals
  }

  /**
   * Cancels an action at any stage before its end. A running one has its whole process tree ended;
   * its result follows and names the canceller.
   *
   * @throws {CentralPostError} `conflict` when it has ended already; says how and when
   */
  async cancelAction(name: ActionName, decision: Decision): Promise<Execution> {
    const row = await this.#find(name)
    const reason = `cancelled by ${decision.by}${decision.reason ? `: ${decision.reason}` : ''}`
    const applied = await endAction(
      this.#parts,
      row,
      ['pending', 'queued'],
      { status: 'cancelled', at: this.#parts.now(), reason, errorCategory: 'cancelled' },
      { kind: 'cancelled', data: { by: decision.by, reason: decision.reason ?? null } },
      { decided_by: decision.by },
    )
    if (applied) this.#desk.clocks.forget(row.execution_id)
    const isEnded = this.#running.end(row, new Cancelled(decision.by, reason))
    if (!applied && !isEnded) throw await decidedBefore(this.#parts.ledger, row.execution_id)
    return this.#parts.ledger.get(row.execution_id)
  }

  /** Recovers after a crash. See `recover`. */
  recover(survivors: (row: Execution) => number): Promise<void> {
    const requestApproval = (row: Execution) => this.#desk.requestApproval(row)
    const enqueue = (row: Execution) => this.#enqueue(row)
    // a database locked for longer ends the start with its reason
    const written = { giveUp: AbortSignal.timeout(longestRecoveryMs), log: this.#log }
    return recover({ ...this.#parts, requestApproval, enqueue, written }, survivors)
  }

  /** Adopts orphaned actions. See `Orphans`. */
  async sweep(): Promise<void> {
    if (!this.#worker.isStopping) await this.#orphans.sweep()
  }

  /**
   * Starts nothing more, gives running commands time to finish, then ends them.
   *
   * @param graceMs time for running commands, in milliseconds
   */
  async stop(graceMs: number): Promise<void> {
    this.#queue.pause()
    this.#desk.clocks.stop()
    await this.#worker.stop(graceMs, this.#queue.idle())
    await this.#parts.ledger.idle()
  }

  async #sendAway(
    refused: Omit<Refused, 'reason'>,
    comeAgain: ComeAgain,
    expectedMs: number | null,
  ): Promise<SentAway> {
    await this.#refusals.reject({ ...refused, ...comeAgain })
    return { expectedMs }
  }

  #enqueue(row: Execution, leftMs?: number): void {
    this.#desk.clocks.watch(row, leftMs)
    this.#queue.push(row.agent_id, row.execution_id)
  }

  /**
   * Inserts a request into the ledger. A SAFE action with a free slot is started in the same
   * transaction.
   */
  async #takeIn(
    first: FirstRecord,
    judgement: Judgement,
  ): Promise<{ intake: InsertOutcome; row: NewExecution; place: Reservation | null }> {
    const { ledger, limits, now } = this.#parts
    const most = { pending: limits.pendingPerAgent, queued: limits.queuedPerAgent }
    const { status } = first.row
    const options = {
      terminal: first.terminal,
      most: status === 'pending' || status === 'queued' ? most[status] : undefined,
    }
    const isReady = first.row.status === 'queued' && judgement.verdict.level === 'SAFE'
    // a redelivery of a running action already holds a slot
    const mayStart = isReady && !this.#running.has(first.row)
    const place = mayStart ? this.#queue.reserve(first.row.agent_id) : null
    if (place === null) {
      return { intake: await ledger.takeIn(first.row, first.told, options), row: first.row, place }
    }
    let isNew = false
    try {
      const { row, told } = startedAtOnce(first, this.#worker.startOf(first.row, judgement), now())
      const intake = await this.#running.register(row, () => ledger.takeIn(row, told), isNewIntake)
      isNew = isNewIntake(intake)
      return { intake, row, place }
    } finally {
      if (!isNew) place.release()
    }
  }

  /** Announces an action that ended at intake. */
  #tellEnd(row: Execution, verdict: Verdict): void {
    if (row.status === 'denied') {
      const reason = verdict.reasons.join('; ')
      const suggestion = verdict.suggestion ?? null
      this.#log.warn('blocked', { ...logFieldsOf(row), reason })
      this.#parts.announce.denied(
        deniedOf(row, { by: 'policy', reason, suggestion, at: this.#parts.now() }),
      )
    }
    this.#parts.publishResults()
  }

  #find(name: ActionName): Promise<Execution> {
    return findAction(this.#parts.ledger, name)
  }

  get #settings(): FirstRecordSettings {
    const { hubId, limits, computeCommandHash } = this.#parts
    return { hubId, pendingMs: limits.pendingMs, computeCommandHash }
  }
}

function isNewIntake(intake: InsertOutcome): boolean {
  return intake.kind === 'new'
}
