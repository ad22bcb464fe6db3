import {
  type ActionResult,
  type ErrorCategory,
  type ResultStatus,
  isoOf,
  shortenCounted,
  fitsAsText,
} from '@centralpost/shared'
import type { AppliedSandbox } from '../execution/index.ts'
import type { Execution } from '../history/store/execution.ts'
import { asText, type ResultText } from '../history/ledger/ledger-step.ts'

/** The end of an action, as differences from one that never started. */
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

export type Ended = Pick<
  Execution,
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

/** The terminal message of an action. */
export function resultOf(row: Ended, ending: Ending): ResultText {
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

/** Output kept per stream in an action's record, in characters. */
export const previewLength = 1000

/**
 * The terminal message of an action whose result was deleted, as far as its record allows.
 *
 * @param actionId the id of the request
 */
export function resultOfRecord(row: Execution, actionId = row.action_id): ResultText {
  const [stdout, stderr] = [shown(row.stdout_preview), shown(row.stderr_preview)]
  const isWhole = stdout.bytes + stderr.bytes >= (row.output_size ?? 0)
  return resultOf(
    { ...row, action_id: actionId },
    {
      status: row.status as ResultStatus,
      at: row.finished_at ?? row.timestamp,
      reason: row.reason,
      exitCode: row.exit_code,
      stdout,
      stderr,
      truncated: !isWhole,
      outputRef: row.output_ref,
      durationMs: row.duration,
      errorCategory: row.error_category as ErrorCategory | null,
      venvActive: row.venv_active === 1,
      warnings: [
        isWhole
          ? 'the result itself is no longer kept (history.result_days): this is what its record tells'
          : `the output is no longer kept (history.result_days), but for the first ${previewLength} characters of each stream; it had ${row.output_size} bytes`,
      ],
    },
  )
}

function shown(text: string | null): { readonly text: string; readonly bytes: number } {
  return { text: text ?? '', bytes: Buffer.byteLength(text ?? '') }
}

/**
 * Control characters grow sixfold in JSON: less is inlined then, and `output_ref` leads to the
 * whole output.
 */
function fitted(result: ActionResult): ResultText {
  const reason = result.reason === null ? null : shortenCounted(result.reason, 4000)
  let fit = asText({ ...result, reason })
  // halves down to nothing; all other fields are bounded
  for (let round = 0; round < 24 && !fitsAsText(fit.text); round += 1) {
    const { stdout, stderr } = fit.result
    fit = asText({ ...fit.result, stdout: halved(stdout), stderr: halved(stderr), truncated: true })
  }
  return fit
}

function halved(text: string): string {
  if (text.length < 64) return ''
  const keep = Math.floor(text.length / 4)
  return `${text.slice(0, keep)}\n… left out …\n${text.slice(-keep)}`
}
