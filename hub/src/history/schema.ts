import type { ActionState, TrustLevel } from '@centralpost/shared'
import type { Generated, Insertable, Selectable } from 'kysely'

/**
 * The ledger: one row an action, unique on agent + action id. Names follow Felix's `command_executions` where they
 * mean the same. Times are milliseconds since 1970, durations milliseconds.
 */
export interface CommandExecutionTable {
  execution_id: Generated<number>
  action_id: string
  agent_id: string
  agent_type: string | null
  workflow_id: string | null
  command: string
  argv: string | null
  command_hash: string
  /** of what the agent sent: the same id with another hash is a conflict, not a repetition */
  request_hash: string
  context: string | null
  cwd: string | null
  env: string
  timeout_ms: number
  stream_output: number
  /** the request's own expiry: never started later than that */
  expires_at: number | null
  trust_level: TrustLevel | null
  verdict: string | null
  /** binds an approval to exactly what was shown */
  digest: string | null
  status: ActionState
  /** when the state it is in ends by itself: a pending approval, an approval not yet used */
  deadline: number | null
  approved_by: string | null
  /** who approved, denied or cancelled, or "policy" */
  decided_by: string | null
  approval_timestamp: number | null
  execution_timestamp: number | null
  hub_id: string
  timestamp: number
  finished_at: number | null
  exit_code: number | null
  success: number | null
  duration: number | null
  error_category: string | null
  reason: string | null
  venv_active: number | null
  output_size: number | null
  output_ref: string | null
  stdout_preview: string | null
  stderr_preview: string | null
}
export type CommandExecution = Selectable<CommandExecutionTable>
export type NewCommandExecution = Insertable<CommandExecutionTable>

/** The one terminal message of an action; it is the outbox as well, while `published_at` is null. */
export interface ActionResultTable {
  execution_id: number
  /** where it goes; a rejected repetition goes to the id it was given, but must not replace the first one's result */
  subject: string
  /** 0: handed to who listens, but kept out of the result stream */
  stored: number
  result: string
  published_at: number | null
}

/** Append-only: triggers refuse UPDATE and DELETE; every row carries the hash of the one before. */
export interface AuditEventTable {
  seq: number
  timestamp: number
  execution_id: number | null
  agent_id: string
  action_id: string
  kind: string
  /** JSON */
  data: string
  prev_hash: string
  hash: string
}

export interface Schema {
  command_executions: CommandExecutionTable
  action_results: ActionResultTable
  audit_events: AuditEventTable
}
