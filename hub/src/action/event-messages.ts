import { type ActionDenied, type ActionStart, isoOf } from '@centralpost/shared'
import type { Execution } from '../history/store/execution.ts'
import type { Ended } from './result-message.ts'

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

export function startOf(row: Execution, at: number): ActionStart {
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
