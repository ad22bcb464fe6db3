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
  /** JSON: programs and script files as they were when the digest was made */
  bound: string | null
  /** the execution whose result this one was given */
  reused_from: number | null
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

/** Who has approved, where one is not enough. A vote counts for the digest that was shown. */
export interface ApprovalVoteTable {
  execution_id: number
  digest: string
  operator_id: string
  timestamp: number
}

/** What runs without a question because an operator decided so. */
export interface ApprovalRuleTable {
  rule_id: string
  /** null: every agent of the workflow */
  agent_id: string | null
  workflow_id: string | null
  /** JSON: the parsed form that it binds */
  shape: string
  description: string
  created_by: string
  created_from: number
  created_at: number
  expires_at: number
  uses: number
  last_used_at: number | null
  revoked_by: string | null
  revoked_at: number | null
}
export type ApprovalRule = Selectable<ApprovalRuleTable>

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
  approval_votes: ApprovalVoteTable
  approval_rules: ApprovalRuleTable
  action_results: ActionResultTable
  audit_events: AuditEventTable
}
