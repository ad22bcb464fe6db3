import type { ActionState, TaskCategory, TrustLevel } from '@centralpost/shared'
import type { Generated, Insertable, Selectable } from 'kysely'

/**
 * The ledger: one row per action, unique on agent + action id. Names follow Felix's
 * `command_executions` where they mean the same. Times are milliseconds since 1970, durations
 * milliseconds.
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
  /** hash of the request as sent: the same id with another hash is a conflict, not a repeat */
  request_hash: string
  /** the request message: tells a redelivery from a repeated request. null: unknown */
  message_id: string | null
  context: string | null
  cwd: string | null
  env: string
  timeout_ms: number
  stream_output: number
  /** the request's own expiry: never started later */
  expires_at: number | null
  trust_level: TrustLevel | null
  verdict: string | null
  /** binds an approval to exactly what was shown */
  digest: string | null
  /** JSON: programs and script files at the time of the digest */
  bound: string | null
  /** the execution whose result was reused */
  reused_from: number | null
  status: ActionState
  /** end of the current state's time: of a pending approval, or an approval not yet used */
  deadline: number | null
  approved_by: string | null
  /** the operator who approved, denied or cancelled, or "policy" */
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
  /** 1: a probable secret was masked; the hashes are keyed then, see masking/ */
  masked: Generated<number>
}
export type CommandExecution = Selectable<CommandExecutionTable>
export type NewCommandExecution = Insertable<CommandExecutionTable>

/** Approvals where several are required. A vote counts for the digest shown. */
export interface ApprovalVoteTable {
  execution_id: number
  digest: string
  operator_id: string
  timestamp: number
}

/** Always rules: commands that run without approval by an operator's decision. */
export interface ApprovalRuleTable {
  rule_id: string
  /** null: every agent of the workflow */
  agent_id: string | null
  workflow_id: string | null
  /** JSON: the bound parsed form */
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
export type ApprovalRuleRow = Selectable<ApprovalRuleTable>

/** The one terminal message of an action; also the outbox, while `published_at` is null. */
export interface ActionResultTable {
  execution_id: number
  /**
   * destination; a rejected repeat goes to its derived id, and must not replace the first one's
   * result
   */
  subject: string
  /**
   * 0: published to subscribers, but kept out of the result stream; 2: resent on request although
   * the stream has it
   */
  stored: number
  result: string
  published_at: number | null
  /** 1: `result` is encrypted, because it contains a probable secret or is too long to search */
  sealed: Generated<number>
}

/** The encrypted original of a masked action, as long as it may still run. */
export interface SealedOriginalTable {
  execution_id: number
  original: string
}

/** Append-only: triggers refuse UPDATE and DELETE; every row carries the previous row's hash. */
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

/** Sealed segments of the audit trail, written to files; their events may be deleted. */
export interface AuditSegmentTable {
  segment_id: number
  first_seq: number
  last_seq: number
  first_at: number
  last_at: number
  last_hash: string
  sha256: string
  file: string
  sealed_at: number
  sealed_by: string
}
export type AuditSegment = Selectable<AuditSegmentTable>

/** The term of the writing hub: the one with the highest epoch. */
export interface HubLeaseTable {
  hub_id: string
  epoch: number
  /** by the database's clock; 0: returned; null: as long as the data directory is locked */
  lease_until: number | null
  lease_ms: number
  /** how long its commands may take to end after that */
  grace_ms: number
  /** JSON: its process, to prove its death */
  holder: string | null
}

/** The permanent id of this ledger, in its only row. */
export interface LedgerIdentityTable {
  only_one: number
  ledger_id: string
}

/** A normalised command: `pip install {package}`. */
export interface CommandFormTable {
  form_id: Generated<number>
  form: string
  program: string
  category: TaskCategory
  example: string
}

/** One narrow, well-indexed row per execution, for lists, counts and pattern mining. */
export interface ExecutionIndexTable {
  execution_id: number
  agent_id: string
  workflow_id: string | null
  trust_level: TrustLevel | null
  status: ActionState
  timestamp: number
  finished_at: number | null
  form_id: number
  /** 1: it has ended, and is counted */
  settled: number
  success: number | null
  duration: number | null
  /** milliseconds from the request to a person's decision */
  waited: number | null
  /** 1: approved by a person, not by a rule or policy */
  approver: number
  error_category: string | null
  venv_active: number | null
  /** 1: a command that should run in a virtual environment */
  venv_wanted: number
  cwd: string | null
  /** null: unknown */
  cwd_kind: string | null
  /** JSON: telltale files that existed before it ran */
  files: string | null
}
export type IndexedExecution = Selectable<ExecutionIndexTable>

/** The audit events of each execution. */
export interface ExecutionEventTable {
  execution_id: number
  seq: number
}

/** Running totals, so that counting never scans the whole history. */
export interface CommandTotalTable {
  /** all; exact: by command_hash; form: by form_id */
  scope: 'all' | 'exact' | 'form'
  name: string
  status: string
  trust_level: string
  n: number
  successful: number
  timed: number
  total_duration: number
  min_duration: number | null
  max_duration: number | null
  last_execution: number | null
}

/** Commands between a failure and a success of the same command. */
export interface FailureFixTable {
  form_id: number
  signature: string
  /** JSON: the normalised commands in between */
  fix: string
  times: number
  last_execution_id: number
}

export interface CommandPatternTable {
  pattern_id: Generated<number>
  pattern_name: string
  /** JSON */
  command_sequence: string
  /** JSON: values seen for each parameter */
  parameters: string
  task_category: TaskCategory | null
  /** JSON */
  preconditions: string | null
  origin: 'mined' | 'created'
  success_rate: number | null
  usage_count: number
  /** milliseconds */
  avg_duration: number | null
  support: number
  created_at: number
  updated_at: number
}

export interface CommandPatternUsageTable {
  usage_id: Generated<number>
  pattern_id: number
  /** the last execution of the use */
  execution_id: number | null
  workflow_id: string | null
  agent_id: string
  success: number
  duration: number | null
  timestamp: number
}

export interface MemoryStateTable {
  name: string
  value: number
}

/** The ledger's tables, then those of the derived data. */
export interface Schema {
  command_executions: CommandExecutionTable
  approval_votes: ApprovalVoteTable
  approval_rules: ApprovalRuleTable
  action_results: ActionResultTable
  sealed_originals: SealedOriginalTable
  audit_events: AuditEventTable
  audit_segments: AuditSegmentTable
  hub_leases: HubLeaseTable
  ledger_identity: LedgerIdentityTable
  memory_state: MemoryStateTable
  command_forms: CommandFormTable
  execution_index: ExecutionIndexTable
  execution_events: ExecutionEventTable
  command_totals: CommandTotalTable
  failure_fixes: FailureFixTable
  command_patterns: CommandPatternTable
  command_pattern_usage: CommandPatternUsageTable
}
