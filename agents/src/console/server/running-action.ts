import type { ActionOutput, ActionStart, HistoryEntry } from '@centralpost/shared'
import type { RunningAction } from '../wire/feed-message.ts'

/** A running command, from its start message. */
export function startedBy(message: ActionStart): RunningAction {
  return runningFrom(message, {
    cwd: message.cwd,
    started_at: message.started_at,
    timeout: message.timeout,
  })
}

/** A running command, from the history, when its start message was missed. */
export function runningBy(entry: HistoryEntry): RunningAction {
  return runningFrom(entry, {
    cwd: entry.cwd ?? '',
    started_at: entry.requested_at,
    timeout: null,
  })
}

/** The same after one more chunk of output. */
export function withOutput(action: RunningAction, chunk: ActionOutput): RunningAction {
  const { bytes } = action
  return {
    ...action,
    bytes: {
      ...bytes,
      [chunk.stream]: bytes[chunk.stream] + Buffer.byteLength(chunk.data),
      skipped: bytes.skipped + (chunk.skipped_bytes ?? 0),
    },
  }
}

function runningFrom(
  told: ActionStart | HistoryEntry,
  own: Pick<RunningAction, 'cwd' | 'started_at' | 'timeout'>,
): RunningAction {
  return {
    agent_id: told.agent_id,
    action_id: told.action_id,
    workflow_id: told.workflow_id,
    command: told.command,
    trust_level: told.trust_level,
    approved_by: told.approved_by,
    ...own,
    bytes: { stdout: 0, stderr: 0, skipped: 0 },
  }
}
