import { hash } from 'node:crypto'
import type { CommandExecution } from '../store/schema.ts'

/** The content covered by an event's hash, besides the previous event's hash. */
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

/** The hash before the first event. */
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

/** ASCII JSON: a corrupted byte cannot make two texts read the same. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** An event's data as ASCII JSON, with the hash of the record that it completes. */
export function withRecord(data: string, record: string): string {
  return `${data.slice(0, -1)}${data === '{}' ? '' : ','}"record":"${record}"}`
}

export type RecordedRow = {
  readonly [
    Name in Exclude<keyof CommandExecution, 'execution_id' | 'stream_output' | 'deadline'>
  ]?: CommandExecution[Name] | undefined
}

/**
 * Fingerprint of an ended execution: its last audit event carries it, so that the row cannot be
 * changed unnoticed.
 */
export function hashOfRecord(row: RecordedRow): string {
  const { command, argv, context, env, verdict, bound, reason } = row
  const { stdout_preview: stdout, stderr_preview: stderr } = row
  // never change content or order: stored hashes must still verify. Add a version instead. Texts
  // that may contain quotes follow the list, which has their lengths: escaping takes longer than
  // hashing
  const values = [
    row.action_id ?? null,
    row.agent_id ?? null,
    row.agent_type ?? null,
    row.workflow_id ?? null,
    command?.length ?? null,
    argv?.length ?? null,
    row.command_hash ?? null,
    row.request_hash ?? null,
    context?.length ?? null,
    row.cwd ?? null,
    env?.length ?? null,
    row.timeout_ms ?? null,
    row.expires_at ?? null,
    row.trust_level ?? null,
    verdict?.length ?? null,
    row.digest ?? null,
    bound?.length ?? null,
    row.reused_from ?? null,
    row.status ?? null,
    row.approved_by ?? null,
    row.decided_by ?? null,
    row.approval_timestamp ?? null,
    row.execution_timestamp ?? null,
    row.hub_id ?? null,
    row.timestamp ?? null,
    row.finished_at ?? null,
    row.exit_code ?? null,
    row.success ?? null,
    row.duration ?? null,
    row.error_category ?? null,
    reason?.length ?? null,
    row.venv_active ?? null,
    row.output_size ?? null,
    row.output_ref ?? null,
    stdout?.length ?? null,
    stderr?.length ?? null,
    row.masked ?? 0,
  ]
  const texts =
    (command ?? '') +
    (argv ?? '') +
    (context ?? '') +
    (env ?? '') +
    (verdict ?? '') +
    (bound ?? '') +
    (reason ?? '') +
    (stdout ?? '') +
    (stderr ?? '')
  return hash('sha256', JSON.stringify(values) + texts, 'hex')
}
