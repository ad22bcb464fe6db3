import {
  type ActionState,
  type Logger,
  type LogLevel,
  type ResultStatus,
  resultSubject,
} from '@centralpost/shared'
import type { Ledger } from '../history/ledger/ledger.ts'
import type { Transition, ActionEvent } from '../history/ledger/ledger-step.ts'
import type { Changes, Execution } from '../history/store/execution.ts'
import { type Ending, previewLength, resultOf } from './result-message.ts'

export interface EndActionParts {
  readonly ledger: Ledger
  /** hands a newly recorded result to the outbox */
  readonly publishResult: (item: RecordedResult) => void
  readonly log: Logger
}

/** An outgoing result with its execution. */
export interface RecordedResult {
  readonly execution_id: number
  readonly subject: string
  readonly stored: number
  readonly result: string
}

/**
 * Ends an action: state, history, audit event and outgoing result share one transaction.
 *
 * @param from the expected states
 * @param where further conditions on the row
 * @returns whether this call ended it; false when another step was first
 */
export async function endAction(
  parts: EndActionParts,
  row: Execution,
  from: readonly ActionState[],
  ending: Ending,
  told: ActionEvent,
  changes: Changes = {},
  where: Transition['where'] = {},
): Promise<boolean> {
  const subject = resultSubject(row.agent_id, row.action_id)
  const result = resultOf(row, ending)
  const applied = await parts.ledger.recordExecution(
    row.execution_id,
    {
      from,
      to: ending.status,
      at: ending.at,
      told,
      where,
      changes: { ...columnsOf(ending), ...changes },
    },
    { subject, result: () => result },
  )
  if (!applied) return false
  parts.log[logLevels[ending.status]]('action ended', {
    ...logFieldsOf(row),
    level: row.trust_level,
    status: ending.status,
    exitCode: ending.exitCode ?? null,
    category: ending.errorCategory ?? null,
    durationMs: ending.durationMs ?? null,
    reason: ending.reason ?? null,
  })
  parts.publishResult({
    execution_id: row.execution_id,
    subject,
    stored: 1,
    result: result.text,
  })
  return true
}

/** Log fields of an action. The command is left to the history, which masks its secrets. */
export function logFieldsOf(row: Pick<Execution, 'action_id' | 'agent_id'>): {
  actionId: string
  agentId: string
} {
  return { actionId: row.action_id, agentId: row.agent_id }
}

/** Log levels by status: normal, refused or timed out, failed. */
const logLevels: Readonly<Record<ResultStatus, LogLevel>> = {
  completed: 'info',
  denied: 'warn',
  expired: 'warn',
  cancelled: 'warn',
  timed_out: 'warn',
  rejected: 'warn',
  failed: 'error',
  interrupted: 'error',
}

function columnsOf(ending: Ending): Changes {
  const { stdout, stderr } = ending
  return {
    finished_at: ending.at,
    reason: ending.reason ?? null,
    deadline: null,
    exit_code: ending.exitCode ?? null,
    success: ending.status === 'completed' ? 1 : 0,
    duration: ending.durationMs == null ? null : Math.round(ending.durationMs),
    error_category: ending.errorCategory ?? null,
    venv_active: ending.venvActive === undefined ? null : Number(ending.venvActive),
    output_size: stdout && stderr ? stdout.bytes + stderr.bytes : null,
    output_ref: ending.outputRef ?? null,
    stdout_preview: stdout?.text.slice(0, previewLength) ?? null,
    stderr_preview: stderr?.text.slice(0, previewLength) ?? null,
  }
}
