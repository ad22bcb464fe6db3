import { messageOf, type Verdict } from '@centralpost/shared'
import {
  outcomeWithout,
  type Outcome,
  type OutputChunk,
  type ProfileChoice,
  type Run,
} from '../execution/index.ts'
import type { ActionEvent } from '../history/ledger/ledger-step.ts'
import type { Ending } from './result-message.ts'
import type { Changes, Execution } from '../history/store/execution.ts'
import type { Announcer } from './announcer.ts'

/** Abort reason of a run: cancelled. */
export class Cancelled extends Error {
  readonly by: string

  constructor(by: string, message: string) {
    super(message)
    this.by = by
  }
}

/** Abort reason of a run: the hub is stopping and the grace period is over. */
export class HubStopping extends Error {
  constructor() {
    super('the hub was stopped during the run; it is not run again')
  }
}

/** The outcome of a run whose executor failed: the agent must still get a result. */
export function outcomeOfFault(error: unknown, cwd: string, durationMs: number): Outcome {
  const text = `the hub failed to complete it: ${messageOf(error)}`
  return outcomeWithout({ cwd }, { status: 'failed', category: 'runtime', text }, durationMs)
}

/** The end of a run, as recorded and published. `why`: the abort reason, if the run was aborted. */
export function runEnd(
  outcome: Outcome,
  why: unknown,
  at: number,
): { readonly ending: Ending; readonly told: ActionEvent; readonly changes: Changes } {
  const reason = outcome.status === 'cancelled' ? why : undefined
  const isStopped = reason instanceof HubStopping
  const ending: Ending = {
    ...outcome,
    at,
    ...((isStopped || reason instanceof Cancelled) && { reason: reason.message }),
    ...(isStopped && { status: 'interrupted', errorCategory: 'interrupted' }),
  }
  const { status, errorCategory } = ending
  return {
    ending,
    told: {
      kind: status === 'cancelled' || status === 'interrupted' ? status : 'finished',
      data: {
        status,
        exit_code: outcome.exitCode,
        signal: outcome.signal,
        category: errorCategory,
        reason: ending.reason,
        sandbox: outcome.sandbox,
      },
    },
    changes: reason instanceof Cancelled ? { decided_by: reason.by } : {},
  }
}

/** The executor's input: exactly what was judged, in the judged confinement. */
export function runOf(row: Execution, verdict: Verdict, confinement: ProfileChoice): Run {
  return {
    actionId: row.action_id,
    agentId: row.agent_id,
    plan: verdict.plan,
    cwd: row.cwd ?? '',
    env: row.env,
    timeoutMs: row.timeout_ms,
    isUnattended: row.trust_level === 'SAFE',
    confinement,
  }
}

/** Publishes live output; undefined where the agent declined it. */
export function outputListener(
  row: Execution,
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
