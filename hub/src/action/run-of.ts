import type { Verdict } from '@centralpost/shared'
import type { OutputChunk, ProfileChoice, Run } from '../execution/index.ts'
import type { CommandExecution } from '../history/store/schema.ts'
import type { Announcer } from './result-message.ts'

/** What the executor is given of an action: exactly what was judged, in what it was judged for. */
export function runOf(row: CommandExecution, verdict: Verdict, confinement: ProfileChoice): Run {
  return {
    actionId: row.action_id,
    agentId: row.agent_id,
    plan: verdict.plan,
    cwd: row.cwd ?? '',
    env: JSON.parse(row.env) as Record<string, string>,
    timeoutMs: row.timeout_ms,
    isUnattended: row.trust_level === 'SAFE',
    confinement,
  }
}

/** Who is told the output while it comes; undefined where the agent wants nobody to be. */
export function outputListener(
  row: CommandExecution,
  announce: Pick<Announcer, 'output'>,
): ((chunk: OutputChunk) => void) | undefined {
  if (row.stream_output !== 1) return undefined
  let untold = 0
  return ({ seq, stream, data, skippedBytes = 0 }) => {
    const skipped = untold + skippedBytes
    const isTold = announce.output({
      schema: 1,
      action_id: row.action_id,
      agent_id: row.agent_id,
      seq,
      stream,
      data,
      ...(skipped > 0 && { skipped_bytes: skipped }),
    })
    untold = isTold ? 0 : skipped + Buffer.byteLength(data)
  }
}
