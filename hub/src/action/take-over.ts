import {
  type ActionResult,
  actionResultSchema,
  type Bus,
  decode,
  type KeptMessage,
  keptMessages,
  type Logger,
  resultStream,
  resultSubject,
  isoOrNull,
} from '@centralpost/shared'
import { logFieldsOf } from './end-action.ts'
import { previewLength } from './result-message.ts'
import type { Ledger } from '../history/ledger/ledger.ts'
import { unknownRequest, asText } from '../history/ledger/ledger-step.ts'
import type { NewExecution } from '../history/store/execution.ts'
import { retryWhileLocked, type RetryOptions } from '../history/ledger/retry-while-locked.ts'

export interface TakeOverParts {
  readonly ledger: Ledger
  readonly computeCommandHash: (command: string) => string
  readonly now: () => number
  readonly written: RetryOptions
  readonly log: Logger
}

/**
 * Imports results from the broker whose actions this ledger does not know, as ended actions with
 * their results: a repeated request gets the old result and nothing runs twice. Idempotent.
 *
 * @throws {CentralPostError} `unavailable` when the results are unreadable
 */
export async function takeOverResults(bus: Bus, parts: TakeOverParts): Promise<void> {
  let [actions, unreadable] = [0, 0]
  let since: number | null = null
  for await (const page of keptMessages(bus, resultStream)) {
    const results = page.map(resultIn).filter((one) => one !== null)
    unreadable += page.length - results.length
    const isNew = await Promise.all(results.map((result) => enter(result, parts)))
    for (const { requested_at: at } of results.filter((_, index) => isNew[index])) {
      actions += 1
      since = Math.min(since ?? Infinity, Date.parse(at))
    }
  }
  if (actions + unreadable === 0) return
  parts.log.warn(
    'the broker keeps results of actions unknown to this ledger: they are now imported, ' +
      'and none of them runs again. Other actions of the earlier ledger stay unknown: ' +
      'requested again, they are judged and may run again',
    { actions, since: isoOrNull(since), unreadable },
  )
}

/** The result in a message; null if it is malformed, or not of the action in its subject. */
function resultIn({ subject, data }: KeptMessage): ActionResult | null {
  try {
    const result = decode(actionResultSchema, data)
    return resultSubject(result.agent_id, result.action_id) === subject ? result : null
  } catch {
    return null
  }
}

/** @returns whether the action was unknown */
async function enter(result: ActionResult, parts: TakeOverParts): Promise<boolean> {
  const { ledger, written, now, log } = parts
  const { agent_id: agentId, action_id: actionId, status, execution_id: earlier } = result
  if (await ledger.knows(agentId, actionId)) return false
  const row = rowOf(result, parts)
  const data = { status, execution_id: earlier, hub_id: result.hub_id }
  const terminal = {
    subject: resultSubject(agentId, actionId),
    result: (executionId: number) => asText({ ...result, execution_id: executionId }),
    publishedAt: now(),
  }
  const { kind } = await retryWhileLocked(
    () => ledger.takeIn(row, [{ kind: 'taken_over', data }], { terminal, at: now() }),
    written,
  )
  log.debug('action imported', { ...logFieldsOf(row), status })
  return kind === 'new'
}

function rowOf(
  result: ActionResult,
  { computeCommandHash }: Pick<TakeOverParts, 'computeCommandHash'>,
): NewExecution {
  const finishedAt = Date.parse(result.finished_at)
  const duration = result.duration === null ? null : Math.round(result.duration * 1000)
  return {
    action_id: result.action_id,
    agent_id: result.agent_id,
    workflow_id: result.workflow_id,
    command: result.command,
    command_hash: computeCommandHash(result.command),
    request_hash: unknownRequest,
    cwd: result.cwd,
    env: {},
    timeout_ms: 0,
    stream_output: 0,
    trust_level: result.trust_level,
    status: result.status,
    approved_by: result.approved_by,
    execution_timestamp: duration === null ? null : finishedAt - duration,
    hub_id: result.hub_id,
    timestamp: Date.parse(result.requested_at),
    finished_at: finishedAt,
    exit_code: result.exit_code,
    success: result.success ? 1 : 0,
    duration,
    error_category: result.error_category,
    reason: result.reason,
    venv_active: result.venv_active ? 1 : 0,
    output_size: result.stdout_bytes + result.stderr_bytes,
    output_ref: result.output_ref,
    stdout_preview: result.stdout.slice(0, previewLength),
    stderr_preview: result.stderr.slice(0, previewLength),
  }
}
