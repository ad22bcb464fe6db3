import {
  type ActionResult,
  type ApprovalNeeded,
  type Judgement,
  type Logger,
  type Proposal,
  type Verdict,
} from '@centralpost/shared'
import type { Action } from './action/action.ts'
import type { Incoming, Refused } from './action/admission.ts'
import { type ComeAgain, lineIsFull } from './action/come-again.ts'
import { ApprovalDesk } from './approval/approval-desk.ts'
import type {
  ApproveOptions,
  Decided,
  Decision,
  SameActions,
} from './approval/approval-desk-parts.ts'
import { boundOf } from './action/bound-files.ts'
import { coolDownOf } from './approval/cool-down.ts'
import { decidedBefore } from './approval/decided-before.ts'
import { digestOf } from './action/digest.ts'
import type { Acceptance } from './approval/proposals.ts'
import type { SentAway } from './bus/pace.ts'
import type { CentralPostParts } from './central-post-parts.ts'
import { clearanceOf } from './action/clearance.ts'
import { about, conclude } from './action/end-action.ts'
import { describeChoice, type ProfileChoice } from './execution/index.ts'
import type { Intake as TakenIn, Step, Told } from './history/ledger/ledger-step.ts'
import type { Approved } from './history/patterns/proposals.ts'
import type { ApprovalRule } from './history/ledger/approval-store.ts'
import type { Execution, NewExecution } from './history/store/execution.ts'
import { type ActionName, findAction } from './action/find-action.ts'
import { Orphans } from './action/orphans.ts'
import { interrupt, recover } from './action/recover.ts'
import { Refusals } from './action/refusals.ts'
import {
  Cancelled,
  HubStopping,
  outcomeOfFault,
  runEnd,
  runOf,
  outputListener,
} from './action/run.ts'
import {
  earliest,
  type Intake,
  intakeOf,
  intakeOfReuse,
  type IntakeSettings,
  type Judged,
  rowAfter,
  startedAtOnce,
} from './action/first-record.ts'
import { type Reservation, RunQueue } from './action/run-queue.ts'
import { RunningActions } from './action/running-actions.ts'
import { untilWritten } from './history/ledger/until-written.ts'
import { startOf, deniedOf } from './action/event-messages.ts'

/** How long a stopping hub tries to record what its last commands did, beyond the grace period. */
const lastWritesMs = 15_000

/** How long a starting hub tries to record what has become of what an earlier one was running. */
const longestRecoveryMs = 60_000

/** An action and, when it has ended, its result. */
export interface ActionStanding {
  readonly action: Execution
  readonly result: ActionResult | null
}

type Confinable = Pick<NewExecution, 'trust_level' | 'cwd'>

/**
 * The hub's one way: request → trust → approval → executor → history → result.
 *
 * Read it downwards. Each step is a conditional update in the ledger that is on the disk before it takes effect, so
 * that a hub killed at any line loses nothing and repeats nothing: what it leaves is taken up by `recover` of the
 * next one. The states and the steps between them are in `history/action-state.ts`.
 */
export class CentralPost {
  readonly #parts: CentralPostParts
  readonly #log: Logger
  readonly #desk: ApprovalDesk
  readonly #queue: RunQueue
  readonly #refusals: Refusals
  #isStopping = false
  /** over when a stopping hub no longer waits for a database that cannot be written */
  readonly #givingUp = new AbortController()
  readonly #running = new RunningActions()
  readonly #orphans: Orphans

  constructor(parts: CentralPostParts) {
    this.#parts = parts
    this.#log = parts.log
    this.#refusals = new Refusals(parts, this.#settings)
    this.#queue = new RunQueue(parts.limits, (executionId) => this.#carryOut(executionId))
    this.#desk = new ApprovalDesk({
      ...parts,
      release: (row) => this.#queue.push(row.agent_id, row.execution_id),
      isInLine: (executionId) => this.#queue.isInLine(executionId),
    })
    const { clocks } = this.#desk
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
          await interrupt(this.#parts, row, 'nobody saw how it ended; it is not run again')
        },
      },
    })
  }

  /** Commands that run, and actions that wait for their turn. */
  get load(): { readonly running: number; readonly queued: number } {
    return { running: this.#queue.running, queued: this.#queue.waiting }
  }

  /**
   * Takes a request in. When this resolves, the request is in the ledger with its verdict and may be acknowledged:
   * SAFE is on its way to run, REVIEW waits for a person, BLOCKED and bad input have their result.
   *
   * @returns `taken`; else the agent has as much under way as it may, and was told when to come again
   * @throws when the ledger cannot be written: then nothing has happened, and the broker brings the request again
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
    const judged = await this.#judged(action, requestHash, judgement)
    const first = (await this.#earlierResult(judged)) ?? intakeOf(judged, now(), this.#settings)
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
    this.#log.info('request taken in', { ...about(taken), level: verdict.level, state: row.status })
    // nothing may fail between the ledger and this: the broker's next delivery would find the action known
    if (place !== null) place.run(() => this.#runToEnd(taken, judgement))
    else if (row.status === 'queued') this.#enqueue(taken)
    else if (row.status === 'pending') this.#desk.requestApproval(taken)
    else this.#tellEnd(taken, verdict)
    if (judged.rule) await approvals.countUse(judged.rule.rule_id, now())
    return 'taken'
  }

  /** What became of an action. */
  async getActionResult(name: ActionName): Promise<ActionStanding> {
    const { ledger } = this.#parts
    const found = await this.#find(name)
    const result = await ledger.result(found.execution_id)
    // it may have ended between the two looks
    const action = result === null ? found : await ledger.get(found.execution_id)
    return { action, result }
  }

  /** A page of what waits for a person, oldest first. See `ApprovalDesk.pending`. */
  getPendingActions(after = 0): Promise<ApprovalNeeded[]> {
    return this.#desk.pending(after)
  }

  /** Clears a pending action to run, exactly as it was shown. See `ApprovalDesk.approve`. */
  async approveAction(
    name: ActionName,
    decision: Decision,
    options: ApproveOptions = {},
  ): Promise<Decided> {
    return this.#desk.approve(await this.#find(name), decision, options)
  }

  /** Refuses a pending action; the reason reaches the agent. See `ApprovalDesk.deny`. */
  async denyAction(
    name: ActionName,
    decision: Decision & { readonly reason: string },
  ): Promise<{ readonly row: Execution; readonly same: SameActions }> {
    return this.#desk.deny(await this.#find(name), decision)
  }

  /** The always rules, newest first; `all`: those that have ended as well. */
  getApprovalRules(all: boolean): Promise<ApprovalRule[]> {
    return this.#desk.rules.list(all)
  }

  /** The rules that what persons approved again and again speaks for. See `Proposals.of`. */
  getProposals(found: readonly Approved[]): Promise<Proposal[]> {
    return this.#desk.proposals.of(found)
  }

  /** Makes a proposed rule. See `Proposals.accept`. */
  acceptProposal(found: readonly Approved[], acceptance: Acceptance): Promise<ApprovalRule> {
    return this.#desk.proposals.accept(found, acceptance)
  }

  /** Ends an always rule. See `RuleBook.revoke`. */
  revokeApprovalRule(ruleId: string, by: string): Promise<void> {
    return this.#desk.rules.revoke(ruleId, by)
  }

  /**
   * Cancels an action at any stage before its end. A running one has its whole process tree ended; its result comes
   * when that is done, and says by whom.
   *
   * @throws {CentralPostError} `conflict` when it has ended already; says how and when
   */
  async cancelAction(name: ActionName, decision: Decision): Promise<Execution> {
    const row = await this.#find(name)
    const reason = `cancelled by ${decision.by}${decision.reason ? `: ${decision.reason}` : ''}`
    const isMine = await conclude(
      this.#parts,
      row,
      ['pending', 'queued'],
      { status: 'cancelled', at: this.#parts.now(), reason, errorCategory: 'cancelled' },
      { kind: 'cancelled', data: { by: decision.by, reason: decision.reason ?? null } },
      { decided_by: decision.by },
    )
    if (isMine) this.#desk.clocks.forget(row.execution_id)
    const isEnded = this.#running.end(row, new Cancelled(decision.by, reason))
    if (!isMine && !isEnded) throw await decidedBefore(this.#parts.ledger, row.execution_id)
    return this.#parts.ledger.get(row.execution_id)
  }

  /** Takes up what an earlier hub left. See `recover`. */
  recover(survivors: (row: Execution) => number): Promise<void> {
    const requestApproval = (row: Execution) => this.#desk.requestApproval(row)
    const enqueue = (row: Execution) => this.#enqueue(row)
    // a database that stays locked for longer ends the start, and says why
    const written = { giveUp: AbortSignal.timeout(longestRecoveryMs), log: this.#log }
    return recover({ ...this.#parts, requestApproval, enqueue, written }, survivors)
  }

  /** Looks for actions that nobody watches, and sees them to their end. See `Orphans`. */
  async sweep(): Promise<void> {
    if (!this.#isStopping) await this.#orphans.sweep()
  }

  /**
   * Starts nothing more, lets what runs finish for a while, then ends it.
   *
   * @param graceMs how long what runs may go on, in milliseconds
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    this.#queue.pause()
    this.#desk.clocks.stop()
    const grace = setTimeout(() => {
      this.#running.endAll(new HubStopping())
    }, graceMs)
    const last = setTimeout(() => this.#givingUp.abort(), graceMs + lastWritesMs)
    await this.#queue.idle()
    clearTimeout(grace)
    clearTimeout(last)
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

  /** Writes a request into the ledger. What is SAFE and need not wait for a place is started by the same commit. */
  async #takeIn(
    first: Intake,
    judgement: Judgement,
  ): Promise<{ intake: TakenIn; row: NewExecution; place: Reservation | null }> {
    const { ledger, limits, now } = this.#parts
    const most = { pending: limits.pendingPerAgent, queued: limits.queuedPerAgent }
    const { status } = first.row
    const options = {
      terminal: first.terminal,
      most: status === 'pending' || status === 'queued' ? most[status] : undefined,
    }
    const isReady = first.row.status === 'queued' && judgement.verdict.level === 'SAFE'
    // an action that comes again while it runs has its place already
    const mayStart = isReady && !this.#running.has(first.row)
    const place = mayStart ? this.#queue.reserve(first.row.agent_id) : null
    if (place === null) {
      return { intake: await ledger.takeIn(first.row, first.told, options), row: first.row, place }
    }
    let isNew = false
    try {
      const { row, told } = startedAtOnce(first, this.#toldOfStart(first.row, judgement), now())
      const intake = await this.#running.register(row, () => ledger.takeIn(row, told), isNewIntake)
      isNew = isNewIntake(intake)
      return { intake, row, place }
    } finally {
      if (!isNew) place.release()
    }
  }

  /** Starts one action that stood in line, if it still may, and sees it to its end. Never rejects. */
  async #carryOut(executionId: number): Promise<void> {
    try {
      const started = await this.#untilWritten(executionId, () => this.#start(executionId))
      if (started !== null) await this.#runToEnd(started.row, started.judgement)
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
      told: this.#toldOfStart(row, judgement),
    }
    const isMine = await this.#running.register(row, () => ledger.step(executionId, step), Boolean)
    if (!isMine) return null
    this.#desk.clocks.forget(executionId)
    return { row: { ...row, execution_timestamp: startedAt }, judgement }
  }

  /** Runs what the ledger says is running, and records how it ended. Never rejects: the queue goes on. */
  async #runToEnd(row: Execution, judgement: Judgement): Promise<void> {
    const { announce, executeCommand, now } = this.#parts
    const begun = performance.now()
    try {
      const signal = this.#running.signalOf(row)
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
      this.#running.forget(row)
    }
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
    if (this.#desk.clocks.isOver(row)) {
      this.#desk.clocks.watch(row)
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
      this.#desk.requestApproval(await ledger.get(row.execution_id))
    }
    return null
  }

  #toldOfStart(row: Confinable, judgement: Judgement): Told {
    const sandbox = describeChoice(this.#confinementOf(row, judgement))
    return { kind: 'started', data: { plan: judgement.verdict.plan, sandbox } }
  }

  /** What a person was shown as REVIEW runs as that, also when the rules call it SAFE by now. */
  #confinementOf(row: Confinable, judgement: Judgement): ProfileChoice {
    const level = row.trust_level ?? judgement.verdict.level
    return this.#parts.sandboxFor({ ...judgement, level, cwd: row.cwd ?? '' })
  }

  /** Adds to a verdict what an approval would bind, and the always rule that clears it. */
  async #judged(action: Action, requestHash: string, judgement: Judgement): Promise<Judged> {
    const { verdict } = judgement
    const isReview = verdict.level === 'REVIEW'
    const { whereIs, sandboxFor } = this.#parts
    const confinement = describeChoice(
      sandboxFor({ ...judgement, level: verdict.level, cwd: action.cwd }),
    )
    const context = { ...action, whereIs, sandbox: confinement }
    const bound = isReview ? await boundOf(judgement, context) : {}
    const digest = digestOf({ ...action, plan: verdict.plan, bound })
    const judged = { action, requestHash, verdict, bound, digest, rule: null }
    if (!isReview || this.#desk.neededFor(verdict) !== 1) return judged
    const subject = { ...action, ...judgement, bound }
    const found = await this.#desk.rules.find(action.agentId, action.workflowId, subject)
    const reasons = found.because === null ? [] : [found.because]
    return {
      ...judged,
      rule: found.rule,
      verdict: { ...verdict, reasons: [...reasons, ...verdict.reasons] },
    }
  }

  /** The intake of a request that may have an earlier result instead of a run, and asked for that. */
  async #earlierResult(judged: Judged): Promise<Intake | null> {
    const { action, digest, verdict } = judged
    const { ledger, now } = this.#parts
    if (!action.reuseResult || action.workflowId === null || verdict.level !== 'SAFE') return null
    if (action.expiresAt !== null && action.expiresAt <= now()) return null
    const { agentId, workflowId } = action
    const row = await ledger.reusable({ agentId, workflowId, digest })
    const result = row ? await ledger.result(row.execution_id) : null
    return row && result ? intakeOfReuse(judged, { row, result }, now(), this.#settings) : null
  }

  /** Tells of an action that ended at its intake. */
  #tellEnd(row: Execution, verdict: Verdict): void {
    if (row.status === 'denied') {
      const reason = verdict.reasons.join('; ')
      const suggestion = verdict.suggestion ?? null
      this.#log.warn('blocked', { ...about(row), reason })
      this.#parts.announce.denied(
        deniedOf(row, { by: 'policy', reason, suggestion, at: this.#parts.now() }),
      )
    }
    this.#parts.publishResults()
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

  #find(name: ActionName): Promise<Execution> {
    return findAction(this.#parts.ledger, name)
  }

  get #settings(): IntakeSettings {
    const { hubId, limits, computeCommandHash } = this.#parts
    return { hubId, pendingMs: limits.pendingMs, computeCommandHash }
  }
}

function isNewIntake(intake: TakenIn): boolean {
  return intake.kind === 'new'
}
