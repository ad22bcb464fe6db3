import {
  acceptCallSchema,
  actionCallSchema,
  CentralPostError,
  type Endpoint,
  exportCallSchema,
  historyCallSchema,
  operatorPatternsCallSchema,
  overviewCallSchema,
  proposalsCallSchema,
  segmentsCallSchema,
  statsCallSchema,
  verifyCallSchema,
  violationsCallSchema,
  fitList,
  isoOf,
} from '@centralpost/shared'
import type { z } from 'zod'
import { alwaysRuleOf } from '../approval/always-rule-message.ts'
import { operatorEndpoint } from './define-endpoint.ts'
import type { ExecutionFilter } from '../history/search/history-filter.ts'
import type { Approved } from '../history/patterns/proposals.ts'
import type { HubParts } from './endpoint-parts.ts'

const day = 86_400_000
/** Examined by both the list and an acceptance, so that every listed proposal can be accepted. */
const mostProposals = 100
/** Text per page of an export, in bytes: JSON may double quoted text. */
const exportBytes = 400_000

/** An operator's queries about the past. The history's own threads answer them. */
export function historyEndpoints(parts: HubParts): Endpoint[] {
  const { centralPost, history, hubId } = parts
  return [
    operatorEndpoint('history', 'recorded executions', historyCallSchema, async (call) => {
      const page = await history.ask((reads) =>
        reads.search({ ...filterOf(call), ...rest(call, ['order', 'before', 'cursor', 'limit']) }),
      )
      const { fit, isCut } = fitList(page.entries)
      if (!isCut) return { entries: fit, next: page.next, next_cursor: page.nextCursor }
      if (call.order === 'best') {
        // a page that did not fit is read again in a smaller size
        const smaller = await history.ask((reads) =>
          reads.search({
            ...filterOf(call),
            ...rest(call, ['order', 'before', 'cursor']),
            limit: fit.length,
          }),
        )
        return { entries: smaller.entries, next: null, next_cursor: smaller.nextCursor }
      }
      const next = fit.at(-1)?.execution_id ?? null
      return { entries: fit, next, next_cursor: next === null ? null : `${next.toString(36)}.0` }
    }),
    operatorEndpoint(
      'action',
      'one recorded action with its audit trail',
      actionCallSchema,
      async (call) => {
        const found = await history.ask((reads) =>
          reads.getActionDetails(call.action_id, call.agent_id),
        )
        const [only] = found
        if (only === undefined) {
          throw new CentralPostError('not_found', `no action "${call.action_id}" is recorded`)
        }
        if (found.length > 1) {
          const agents = found.map(({ execution }) => execution.agent_id).join(', ')
          throw new CentralPostError(
            'conflict',
            `several agents have an action ${call.action_id} (${agents}): name the agent`,
          )
        }
        const { fit, isCut } = fitList(only.events)
        return { ...only, events: fit, events_cut: only.events_cut || isCut }
      },
    ),
    operatorEndpoint('stats', 'counts and durations', statsCallSchema, ({ command }) =>
      history.ask((reads) => reads.getCommandStatistics(command, hashesOf(parts, command))),
    ),
    operatorEndpoint('overview', 'a summary of a time range', overviewCallSchema, (call) => {
      const until = momentOf(call.until) ?? Date.now()
      const since = momentOf(call.since) ?? until - day
      if (since >= until) {
        throw new CentralPostError(
          'invalid_request',
          `since: ${isoOf(since)} is not before ${isoOf(until)}`,
        )
      }
      const { buckets, top, agent_id: agentId, workflow_id: workflowId } = call
      return history.ask((reads) =>
        reads.getOverview({ since, until, buckets, top, agentId, workflowId }),
      )
    }),
    operatorEndpoint(
      'patterns',
      'patterns, successes and failures',
      operatorPatternsCallSchema,
      (call) => patterns(parts, call),
    ),
    operatorEndpoint('proposals', 'proposed rules', proposalsCallSchema, async (call) => {
      const open = await centralPost.proposals.of(await approvalsOf(parts, call))
      return { proposals: fitList(open.slice(0, call.limit)).fit }
    }),
    operatorEndpoint('accept', 'make a proposed rule', acceptCallSchema, async (call, by) => {
      const { agent_id: agentId, action_id: actionId, expires_in: expiresIn } = call
      const { decision, rule, comment } = call
      const made = await centralPost.proposals.accept(await approvalsOf(parts, call), {
        by,
        agentId,
        actionId,
        decision,
        rule,
        comment,
        expiresInMs: expiresIn === undefined ? undefined : expiresIn * 1000,
      })
      return { rule: alwaysRuleOf(made) }
    }),
    operatorEndpoint('violations', 'Python outside a venv', violationsCallSchema, async (call) => {
      const violations = await history.ask((reads) =>
        reads.getVenvViolations({
          agentId: call.agent_id,
          workflowId: call.workflow_id,
          since: momentOf(call.since),
          until: momentOf(call.until),
          limit: call.limit,
        }),
      )
      return { violations: fitList(violations).fit }
    }),
    operatorEndpoint('verify', 'recompute the audit chain', verifyCallSchema, async (call) => {
      const report = await history.verify(call.checkpoints)
      const { headSeq: seq, head: hash } = report
      return {
        intact: report.intact,
        events: report.events,
        head: hash,
        first_bad: report.firstBad,
        problem: report.problem,
        first_kept: report.firstKept,
        checkpoint:
          report.intact && hash !== null
            ? { seq, hash, at: new Date().toISOString(), hub_id: hubId }
            : null,
      }
    }),
    operatorEndpoint('export', 'executions as lines, in pages', exportCallSchema, (call) =>
      history.ask((reads) =>
        reads.exportPage({
          ...filterOf(call),
          ...rest(call, ['format', 'after', 'limit']),
          mostBytes: exportBytes,
        }),
      ),
    ),
    operatorEndpoint('segments', 'seal old audit events', segmentsCallSchema, async (call, by) => {
      if (call.seal !== undefined) {
        await history.sealSegment(momentOf(call.seal.before) ?? 0, by)
      }
      return { segments: fitList(await history.segments()).fit }
    }),
  ]
}

async function patterns(
  { history }: HubParts,
  call: z.output<typeof operatorPatternsCallSchema>,
): Promise<object> {
  const { category, least, limit, workflow_id: workflowId } = call
  if (call.create !== undefined) {
    const { pattern_name, command_sequence, task_category, preconditions } = call.create
    await history.learning.createPattern({
      patternName: pattern_name,
      commandSequence: command_sequence,
      taskCategory: task_category,
      preconditions,
    })
  }
  if (call.mine) {
    await history.ask(() => history.learning.minePatterns())
  }
  if (call.list === 'patterns') {
    const found = await history.ask((reads) => reads.getPatterns(limit, category))
    return { patterns: fitList(found).fit, commands: [] }
  }
  const asked = { least, limit, workflowId, since: momentOf(call.since) }
  const commands = await history.ask((reads) =>
    call.list === 'successes' ? reads.getSuccessPatterns(asked) : reads.getFailurePatterns(asked),
  )
  return { patterns: [], commands: fitList(commands).fit }
}

function approvalsOf(
  { history }: HubParts,
  { least, since }: { readonly least: number; readonly since?: string | undefined },
): Promise<Approved[]> {
  const from = momentOf(since) ?? Date.now() - 30 * day
  return history.ask((reads) =>
    reads.getRepeatedApprovals({ least, limit: mostProposals, since: from }),
  )
}

/** A command's hash, as requested and as stored with masked secrets. */
function hashesOf({ executor, history }: HubParts, command: string | undefined): string[] {
  if (command === undefined) return []
  const hash = executor.computeCommandHash(command)
  return [hash, history.secrets.masker.keyed(hash)]
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text)
}

type Filters = Pick<
  z.output<typeof historyCallSchema>,
  | 'query'
  | 'agent_id'
  | 'workflow_id'
  | 'trust_level'
  | 'levels'
  | 'status'
  | 'statuses'
  | 'action_id'
  | 'command'
  | 'since'
  | 'until'
>

function filterOf(call: Filters): ExecutionFilter {
  return {
    query: call.query,
    agentId: call.agent_id,
    workflowId: call.workflow_id,
    levels: call.levels ?? (call.trust_level && [call.trust_level]),
    statuses: call.statuses ?? (call.status && [call.status]),
    actionId: call.action_id,
    command: call.command,
    since: momentOf(call.since),
    until: momentOf(call.until),
  }
}

function rest<T extends object, K extends keyof T>(call: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, call[name]])) as Pick<T, K>
}
