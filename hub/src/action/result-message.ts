import {
  type ActionApproved,
  type ActionDenied,
  type ActionOutput,
  type ActionResult,
  type ActionStart,
  alwaysDecisions,
  type ApprovalNeeded,
  type ErrorCategory,
  type ResultStatus,
  type RuleChanged,
  type Verdict,
} from '@centralpost/shared'
import { sandboxBound, unboundOf } from './bound-files.ts'
import { describeRule, ruleFor } from '../approval/always-rule.ts'
import { defaultScope, holderOf } from '../approval/rule-scope.ts'
import type { RuleSubject } from '../approval/rule-subject.ts'
import type { AppliedSandbox } from '../execution/index.ts'
import type { CommandExecution } from '../history/store/schema.ts'

/** Where the hub says what happens (core NATS: who listens, hears). */
export interface Announcer {
  approvalNeeded(message: ApprovalNeeded): void
  approved(message: ActionApproved): void
  denied(message: ActionDenied): void
  started(message: ActionStart): void
  ruleChanged(message: RuleChanged): void
  /** @returns whether it was told; false when too much is on its way already */
  output(message: ActionOutput): boolean
}

/** How an action ended, with what differs from an action that never started. */
export interface Ending {
  readonly status: ResultStatus
  readonly at: number
  readonly reason?: string | null
  readonly suggestion?: string | null
  readonly exitCode?: number | null
  readonly signal?: string | null
  readonly stdout?: { readonly text: string; readonly bytes: number }
  readonly stderr?: { readonly text: string; readonly bytes: number }
  readonly truncated?: boolean
  readonly outputRef?: string | null
  readonly durationMs?: number | null
  readonly errorCategory?: ErrorCategory | null
  readonly venvActive?: boolean
  readonly sandbox?: AppliedSandbox | null
  readonly warnings?: readonly string[]
  /** seconds */
  readonly retryAfter?: number | undefined
}

type Ended = Pick<
  CommandExecution,
  | 'action_id'
  | 'agent_id'
  | 'workflow_id'
  | 'command'
  | 'trust_level'
  | 'approved_by'
  | 'cwd'
  | 'hub_id'
  | 'timestamp'
  | 'execution_id'
>

/** Messages stay below the broker's usual limit of 1 MiB, with room for what wraps them. */
const maxMessageBytes = 900_000

/** The terminal message of an action. */
export function resultOf(row: Ended, ending: Ending): ActionResult {
  const { stdout, stderr } = ending
  return fitted({
    schema: 1,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    command: row.command,
    status: ending.status,
    trust_level: row.trust_level,
    approved_by: row.approved_by,
    exit_code: ending.exitCode ?? null,
    signal: ending.signal ?? null,
    success: ending.status === 'completed',
    stdout: stdout?.text ?? '',
    stderr: stderr?.text ?? '',
    stdout_bytes: stdout?.bytes ?? 0,
    stderr_bytes: stderr?.bytes ?? 0,
    truncated: ending.truncated ?? false,
    output_ref: ending.outputRef ?? null,
    duration: ending.durationMs == null ? null : ending.durationMs / 1000,
    error_category: ending.errorCategory ?? null,
    cwd: row.cwd,
    venv_active: ending.venvActive ?? false,
    sandbox: ending.sandbox ?? null,
    warnings: [...(ending.warnings ?? [])],
    reason: ending.reason ?? null,
    suggestion: ending.suggestion ?? null,
    ...(ending.retryAfter !== undefined && { retry_after: ending.retryAfter }),
    reused_from: null,
    execution_id: row.execution_id,
    hub_id: row.hub_id,
    requested_at: isoOf(row.timestamp),
    finished_at: isoOf(ending.at),
  })
}

/** Who has approved a pending action, how many must, and what always rules could bind of it. */
export interface Votes {
  readonly approvals: readonly string[]
  readonly needed: number
  readonly subject: RuleSubject
  /** how many other pending actions are the same */
  readonly same?: number
}

const needsMore = { refused: 'more than one must approve it, so each one is asked about' }

/** What an operator is shown of a pending action, and must clear. */
export function approvalNeededOf(row: CommandExecution, votes: Votes): ApprovalNeeded {
  const { needed, subject } = votes
  const { verdict, bound } = subject
  const holder = holderOf(defaultScope(row), row)
  return {
    schema: 1,
    execution_id: row.execution_id,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    agent_type: row.agent_type,
    command: row.command,
    context: row.context,
    cwd: row.cwd ?? '',
    env: JSON.parse(row.env) as Record<string, string>,
    timeout: row.timeout_ms / 1000,
    trust_level: verdict.level,
    risk: verdict.risk,
    verdict,
    digest: row.digest ?? '',
    bound,
    not_bound: unboundOf(bound),
    ...(votes.same !== undefined && { same_pending: votes.same }),
    sandbox: bound[sandboxBound] ?? null,
    always: alwaysDecisions.map((decision) => {
      const made = needed > 1 ? needsMore : ruleFor(decision, subject)
      return 'refused' in made
        ? { decision, rule: null, refused: made.refused }
        : { decision, rule: describeRule(made.shape, holder), refused: null }
    }),
    approvals: [...votes.approvals],
    approvals_needed: needed,
    requested_at: isoOf(row.timestamp),
    expires_at: isoOf(row.deadline ?? row.timestamp),
    hub_id: row.hub_id,
  }
}

export function approvedOf(
  row: CommandExecution,
  approval: { by: string; approvals: readonly string[]; needed: number; at: number },
): ActionApproved {
  const { by, approvals, needed, at } = approval
  return {
    schema: 1,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    approved_by: by,
    approvals: [...approvals],
    approvals_needed: needed,
    cleared: approvals.length >= needed,
    self_approved: isOwnActionOf(row, by),
    approved_at: isoOf(at),
  }
}

/** Whether an operator asked for this themselves. */
export function isOwnActionOf(row: Pick<CommandExecution, 'agent_id'>, operator: string): boolean {
  return row.agent_id === `operator-${operator}`
}

export function deniedOf(
  row: Ended,
  denial: { by: string; reason: string; suggestion: string | null; at: number },
): ActionDenied {
  return {
    schema: 1,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    command: row.command,
    trust_level: row.trust_level ?? 'BLOCKED',
    reason: denial.reason,
    suggestion: denial.suggestion,
    denied_by: denial.by,
    denied_at: isoOf(denial.at),
  }
}

export function startOf(row: CommandExecution, at: number): ActionStart {
  return {
    schema: 1,
    action_id: row.action_id,
    agent_id: row.agent_id,
    workflow_id: row.workflow_id,
    command: row.command,
    cwd: row.cwd ?? '',
    trust_level: row.trust_level ?? 'REVIEW',
    approved_by: row.approved_by,
    timeout: row.timeout_ms / 1000,
    started_at: isoOf(at),
    hub_id: row.hub_id,
  }
}

export function isoOf(at: number): string {
  return new Date(at).toISOString()
}

/** Control characters grow sixfold in JSON: then less is shown inline, and `output_ref` has it all. */
function fitted(result: ActionResult): ActionResult {
  let fit = { ...result, reason: result.reason === null ? null : cut(result.reason, 4000) }
  // halves until nothing is left of it; what else there is, is bounded
  for (let round = 0; round < 24 && !fitsMessage(fit); round += 1) {
    fit = { ...fit, stdout: halved(fit.stdout), stderr: halved(fit.stderr), truncated: true }
  }
  return fit
}

/** How many bytes a message is on the wire. */
function sizeOf(message: unknown): number {
  return Buffer.byteLength(JSON.stringify(message))
}

/** Whether one message carries this. */
export function fitsMessage(message: unknown): boolean {
  return sizeOf(message) <= maxMessageBytes
}

/**
 * As many of these as one message carries, at least one.
 *
 * @returns those, and whether some were left out
 */
export function fitList<T>(items: readonly T[]): { readonly fit: T[]; readonly isCut: boolean } {
  const fit: T[] = []
  let size = 0
  for (const item of items) {
    size += sizeOf(item) + 1
    if (fit.length > 0 && size > maxMessageBytes) return { fit, isCut: true }
    fit.push(item)
  }
  return { fit, isCut: false }
}

const mostUnits = 100
const longestUnit = 300

/** A verdict that fits into messages: long parts are cut with a mark. What runs is in the plan, which is whole. */
export function boundedVerdict(verdict: Verdict): Verdict {
  const units = verdict.units.slice(0, mostUnits).map((unit) => ({
    ...unit,
    text: cut(unit.text, longestUnit),
    reason: cut(unit.reason, longestUnit),
  }))
  const left = verdict.units.length - units.length
  if (left > 0) {
    const text = `… and ${left} more parts`
    units.push({ text, level: verdict.level, rule: 'cut', reason: 'too many parts to show' })
  }
  return { ...verdict, units, reasons: verdict.reasons.map((reason) => cut(reason, longestUnit)) }
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)} … (${text.length - most} more characters)`
}

function halved(text: string): string {
  if (text.length < 64) return ''
  const keep = Math.floor(text.length / 4)
  return `${text.slice(0, keep)}\n… left out …\n${text.slice(-keep)}`
}
