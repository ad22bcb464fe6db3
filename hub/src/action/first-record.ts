import { createHash } from 'node:crypto'
import {
  type ActionResult,
  type ActionState,
  resultSubject,
  type Verdict,
  isoOf,
} from '@centralpost/shared'
import type { Action } from './action.ts'
import type { Refused } from './admission.ts'
import type { Bound } from './bound-files.ts'
import { type Terminal, type ActionEvent, asText } from '../history/ledger/ledger-step.ts'
import type { Execution, NewExecution } from '../history/store/execution.ts'
import { resultOf } from './result-message.ts'

export interface FirstRecord {
  readonly row: NewExecution
  readonly told: readonly ActionEvent[]
  readonly terminal?: Terminal
}

export interface FirstRecordSettings {
  readonly hubId: string
  readonly pendingMs: number
  readonly computeCommandHash: (command: string) => string
}

/** An admitted and judged request, with the approval desk's facts. */
export interface Judged {
  readonly action: Action
  readonly requestHash: string
  readonly verdict: Verdict
  readonly digest: string
  readonly bound: Bound
  /** the always rule that clears it */
  readonly rule: { readonly rule_id: string; readonly created_by: string } | null
}

/** The first row of an action: queued, pending, denied, or expired on arrival. */
export function firstRecordOf(
  judged: Judged,
  now: number,
  settings: FirstRecordSettings,
): FirstRecord {
  const { action, requestHash, verdict, rule } = judged
  const status = firstState(action, verdict, rule !== null, now)
  const row: NewExecution = {
    action_id: action.actionId,
    agent_id: action.agentId,
    agent_type: action.agentType,
    workflow_id: action.workflowId,
    command: action.command,
    argv: action.argv,
    command_hash: settings.computeCommandHash(action.command),
    request_hash: requestHash,
    message_id: action.messageId,
    context: action.context,
    cwd: action.cwd,
    env: action.env,
    timeout_ms: action.timeoutMs,
    stream_output: action.streamOutput ? 1 : 0,
    expires_at: action.expiresAt,
    trust_level: verdict.level,
    verdict,
    digest: judged.digest,
    bound: judged.bound,
    status,
    deadline:
      status === 'pending'
        ? earliest(now + settings.pendingMs, action.expiresAt)
        : action.expiresAt,
    approved_by: status === 'queued' ? (rule === null ? 'auto' : `rule:${rule.rule_id}`) : null,
    decided_by: status === 'denied' ? 'policy' : null,
    reason: status === 'denied' ? verdict.reasons.join('; ') : null,
    hub_id: settings.hubId,
    timestamp: action.requestedAt,
  }
  const requested: ActionEvent = {
    kind: 'requested',
    data: {
      command: row.command,
      cwd: row.cwd,
    },
  }
  const classified: ActionEvent = {
    kind: 'classified',
    data: { level: verdict.level, reasons: verdict.reasons, policy: verdict.policy },
  }
  if (status === 'queued') {
    const by = rule && { by: 'rule', rule_id: rule.rule_id, created_by: rule.created_by }
    const asked = [requested, classified]
    return { row, told: by ? [...asked, { kind: 'approved', data: by }] : asked }
  }
  if (status === 'pending') {
    return {
      row,
      told: [
        requested,
        classified,
        { kind: 'pending', data: { digest: row.digest, until: row.deadline } },
      ],
    }
  }
  const reason =
    status === 'denied' ? verdict.reasons.join('; ') : 'expires_at had passed on arrival'
  return {
    row: { ...row, reason, finished_at: now },
    told: [requested, classified, { kind: status, data: { by: 'policy', reason } }],
    terminal: {
      subject: resultSubject(action.agentId, action.actionId),
      result: (executionId) =>
        resultOf(rowAfter(row, executionId), {
          status,
          at: now,
          reason,
          suggestion: verdict.suggestion ?? null,
        }),
    },
  }
}

/** An action with a free slot: inserted and started in one transaction. */
export function startedAtOnce(intake: FirstRecord, started: ActionEvent, at: number): FirstRecord {
  const { row, told } = intake
  return {
    row: { ...row, status: 'running', execution_timestamp: at, deadline: null },
    told: [...told, started],
  }
}

/** The row of an action answered with an earlier result, as it requested. */
export function firstRecordOfReuse(
  judged: Judged,
  earlier: { readonly row: Execution; readonly result: ActionResult },
  now: number,
  settings: FirstRecordSettings,
): FirstRecord {
  const { row, told } = firstRecordOf(judged, now, settings)
  const { action } = judged
  const reusedFrom = earlier.row.execution_id
  return {
    row: {
      ...row,
      status: 'completed',
      reused_from: reusedFrom,
      finished_at: now,
      success: 1,
      exit_code: earlier.row.exit_code,
      output_ref: earlier.row.output_ref,
      output_size: earlier.row.output_size,
      stdout_preview: earlier.row.stdout_preview,
      stderr_preview: earlier.row.stderr_preview,
      reason: `the result of execution ${reusedFrom}, as requested by reuse_result`,
    },
    told: [...told, { kind: 'finished', data: { status: 'completed', reused_from: reusedFrom } }],
    terminal: {
      subject: resultSubject(action.agentId, action.actionId),
      result: (executionId) =>
        asText({
          ...earlier.result,
          action_id: action.actionId,
          execution_id: executionId,
          reused_from: reusedFrom,
          requested_at: isoOf(action.requestedAt),
          finished_at: isoOf(now),
        }),
    },
  }
}

/**
 * The row of bad input. If its id was used before for something else (`reuses`), the row gets a
 * derived id, the same for every delivery of the message. Its result reaches current subscribers
 * without replacing the first one's.
 */
export function firstRecordOfRefused(
  refused: Refused,
  now: number,
  settings: FirstRecordSettings,
  reuses = false,
): FirstRecord {
  const row: NewExecution = {
    action_id: reuses ? idOfReuse(refused) : refused.actionId,
    agent_id: refused.agentId,
    workflow_id: refused.workflowId,
    command: refused.command,
    command_hash: settings.computeCommandHash(refused.command),
    request_hash: refused.requestHash,
    message_id: refused.messageId,
    env: {},
    timeout_ms: 0,
    stream_output: 0,
    status: 'rejected',
    reason: refused.reason,
    hub_id: settings.hubId,
    timestamp: refused.requestedAt,
    finished_at: now,
  }
  return {
    row,
    told: [{ kind: 'rejected', data: { action_id: refused.actionId, reason: refused.reason } }],
    terminal: {
      subject: resultSubject(refused.agentId, refused.actionId),
      stored: !reuses,
      result: (executionId) =>
        resultOf(
          { ...rowAfter(row, executionId), action_id: refused.actionId },
          {
            status: 'rejected',
            at: now,
            reason: refused.reason,
            retryAfter: refused.retryAfter,
          },
        ),
    },
  }
}

/** A row as stored in the ledger after intake. */
export function rowAfter(row: NewExecution, executionId: number): Execution {
  return { ...nothingYet, ...row, masked: row.masked ?? 0, execution_id: executionId }
}

export function earliest(time: number, other: number | null): number {
  return other === null ? time : Math.min(time, other)
}

function firstState(
  action: Action,
  verdict: Verdict,
  hasRule: boolean,
  now: number,
): Extract<ActionState, 'queued' | 'pending' | 'denied' | 'expired'> {
  if (verdict.level === 'BLOCKED') return 'denied'
  if (action.expiresAt !== null && action.expiresAt <= now) return 'expired'
  return verdict.level === 'SAFE' || hasRule ? 'queued' : 'pending'
}

function idOfReuse(refused: Refused): string {
  const hash = createHash('sha256').update(`${refused.actionId} ${refused.requestHash}`)
  return `reused-${hash.digest('hex').slice(0, 40)}`
}

const nothingYet = {
  message_id: null,
  agent_type: null,
  workflow_id: null,
  argv: null,
  context: null,
  cwd: null,
  expires_at: null,
  trust_level: null,
  verdict: null,
  digest: null,
  bound: {},
  reused_from: null,
  deadline: null,
  approved_by: null,
  decided_by: null,
  approval_timestamp: null,
  execution_timestamp: null,
  finished_at: null,
  exit_code: null,
  success: null,
  duration: null,
  error_category: null,
  reason: null,
  venv_active: null,
  output_size: null,
  output_ref: null,
  stdout_preview: null,
  stderr_preview: null,
} satisfies Partial<Execution>
