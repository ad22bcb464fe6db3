import { hash } from 'node:crypto'
import type { CommandExecution } from '../schema.ts'

/** What an event's hash covers, besides the hash of the event before. */
export interface HashedEvent {
  readonly seq: number
  readonly timestamp: number
  readonly execution_id: number | null
  readonly agent_id: string
  readonly action_id: string
  readonly kind: string
  readonly data: string
  readonly prev_hash: string
}

/** What the first event follows. */
export const genesis = '0'.repeat(64)

export function hashOfEvent(event: HashedEvent): string {
  const fields = [
    event.prev_hash,
    event.seq,
    event.timestamp,
    event.execution_id,
    event.agent_id,
    event.action_id,
    event.kind,
    event.data,
  ]
  return hash('sha256', JSON.stringify(fields), 'hex')
}

/** JSON in ASCII: no two texts then read the same after a byte of one was changed into no character. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The columns of a terminal record, in the order in which its hash takes them. Never change this order: add a version. */
const recorded = [
  'action_id',
  'agent_id',
  'agent_type',
  'workflow_id',
  'command',
  'argv',
  'command_hash',
  'request_hash',
  'context',
  'cwd',
  'env',
  'timeout_ms',
  'expires_at',
  'trust_level',
  'verdict',
  'digest',
  'bound',
  'reused_from',
  'status',
  'approved_by',
  'decided_by',
  'approval_timestamp',
  'execution_timestamp',
  'hub_id',
  'timestamp',
  'finished_at',
  'exit_code',
  'success',
  'duration',
  'error_category',
  'reason',
  'venv_active',
  'output_size',
  'output_ref',
  'stdout_preview',
  'stderr_preview',
  'masked',
] as const satisfies readonly (keyof CommandExecution)[]

export type RecordedRow = {
  readonly [Name in (typeof recorded)[number]]?: CommandExecution[Name] | undefined
}

/** Of an execution that has ended: its last audit event carries this, so that the row cannot be changed unseen. */
export function hashOfRecord(row: RecordedRow): string {
  return hash(
    'sha256',
    JSON.stringify(recorded.map((name) => row[name] ?? (name === 'masked' ? 0 : null))),
    'hex',
  )
}
