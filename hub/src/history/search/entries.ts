import { type HistoryEntry, isoOf, isoOrNull } from '@centralpost/shared'
import type { CommandExecution } from '../store/schema.ts'

/** An execution in wire form. */
export function toEntry(row: CommandExecution): HistoryEntry {
  return {
    execution_id: row.execution_id,
    action_id: row.action_id,
    agent_id: row.agent_id,
    agent_type: row.agent_type,
    workflow_id: row.workflow_id,
    command: row.command,
    context: row.context,
    trust_level: row.trust_level,
    status: row.status,
    approved_by: row.approved_by,
    reason: row.reason,
    exit_code: row.exit_code,
    error_category: row.error_category,
    duration: inSeconds(row.duration),
    cwd: row.cwd,
    requested_at: isoOf(row.timestamp),
    finished_at: isoOrNull(row.finished_at),
    stdout_preview: row.stdout_preview,
    stderr_preview: row.stderr_preview,
  }
}

export function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000
}
