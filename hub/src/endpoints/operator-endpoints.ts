import {
  approveCallSchema,
  cancelCallSchema,
  classifyCallSchema,
  denyCallSchema,
  emptyCallSchema,
  type Endpoint,
  outputCallSchema,
  pendingCallSchema,
  resultCallSchema,
  rulesCallSchema,
  fitsMessage,
  fitList,
  isoOf,
} from '@centralpost/shared'
import { alwaysRuleOf } from '../approval/always-rule-message.ts'
import { pendingPage } from '../approval/approval-desk.ts'
import type { SameActions } from '../approval/approval-desk-parts.ts'
import { operatorEndpoint } from './define-endpoint.ts'
import type { ActionName } from '../action/find-action.ts'
import type { Execution } from '../history/store/execution.ts'
import type { HubParts } from './endpoint-parts.ts'

/**
 * The endpoints of an operator. The name in the subject, authenticated by the broker, identifies
 * the deciding operator.
 */
export function operatorEndpoints(parts: HubParts): Endpoint[] {
  const { centralPost, executor, trust, config, checkCwd } = parts
  return [
    operatorEndpoint('pending', 'actions waiting for approval', pendingCallSchema, async (call) => {
      const page = await centralPost.getPendingActions(call.after)
      const { fit, isCut } = fitList(
        page
          .filter((one) => call.agent_id === undefined || one.agent_id === call.agent_id)
          .filter((one) => call.workflow_id === undefined || one.workflow_id === call.workflow_id),
      )
      const isLast = !isCut && page.length < pendingPage
      const from = isCut ? fit : page
      return { pending: fit, next: isLast ? null : (from.at(-1)?.execution_id ?? null) }
    }),
    operatorEndpoint('approve', 'approve an action', approveCallSchema, async (call, by) => {
      const { decision, scope, expires_in: expiresIn } = call
      const always =
        decision === 'approve_once'
          ? undefined
          : { decision, scope, expiresInMs: expiresIn === undefined ? undefined : expiresIn * 1000 }
      const { row, approvals, needed, ruleId, same } = await centralPost.approveAction(
        named(call),
        { by, reason: call.comment },
        { digest: call.digest, always, same: call.same },
      )
      return {
        ...decided(row, by, same),
        approvals,
        approvals_needed: needed,
        ...(ruleId !== null && { rule_id: ruleId }),
      }
    }),
    operatorEndpoint('deny', 'deny an action', denyCallSchema, async (call, by) => {
      const { reason, suggestion } = call
      const denial = { by, reason, suggestion }
      const { row, same } = await centralPost.denyAction(named(call), denial)
      return decided(row, by, same)
    }),
    operatorEndpoint('rules', 'list or revoke always rules', rulesCallSchema, async (call, by) => {
      if (call.revoke !== undefined) await centralPost.rules.revoke(call.revoke, by)
      const rules = await centralPost.rules.list(call.all || call.revoke !== undefined)
      return { rules: fitList(rules.map(alwaysRuleOf)).fit }
    }),
    operatorEndpoint('cancel', 'cancel an action', cancelCallSchema, async (call, by) => {
      const action = await centralPost.cancelAction(named(call), { by, reason: call.reason })
      return { action_id: action.action_id, state: action.status }
    }),
    operatorEndpoint(
      'result',
      'the state and result of an action',
      resultCallSchema,
      async (call) => {
        const { action, result } = await centralPost.getActionResult(named(call))
        return {
          action_id: action.action_id,
          agent_id: action.agent_id,
          state: action.status,
          result,
        }
      },
    ),
    operatorEndpoint(
      'output',
      'the complete output of an action, in pages',
      outputCallSchema,
      async (call) => {
        const { action, result } = await centralPost.getActionResult(named(call))
        const read = async (limit: number) =>
          action.output_ref === null
            ? inlinePage(result?.[call.stream] ?? '', call.offset, limit)
            : executor.readOutput(action.output_ref, call.stream, call.offset, limit)
        const page = await read(call.limit)
        // control characters grow sixfold in JSON
        const fit = fitsMessage(page) ? page : await read(Math.ceil(call.limit / 6))
        return { action_id: action.action_id, stream: call.stream, ...fit }
      },
    ),
    operatorEndpoint('classify', 'the verdict on a command', classifyCallSchema, async (call) => {
      const cwd = await checkCwd(call.cwd ?? config.roots[0] ?? '/')
      return trust.judge(call.argv ?? call.command ?? '', { cwd }).verdict
    }),
    operatorEndpoint('hubs', 'the serving hub and its status', emptyCallSchema, async () => ({
      hubs: [await parts.status()],
    })),
  ]
}

function named(call: { action_id: string; agent_id?: string | undefined }): ActionName {
  return { actionId: call.action_id, agentId: call.agent_id }
}

function decided(row: Execution, by: string, same: SameActions): object {
  return {
    action_id: row.action_id,
    agent_id: row.agent_id,
    state: row.status,
    decided_by: row.decided_by ?? by,
    decided_at: isoOf(row.approval_timestamp ?? row.finished_at ?? Date.now()),
    ...(same.decided.length > 0 && { same_decided: same.decided }),
    ...(same.pending > 0 && { same_pending: same.pending }),
  }
}

/** Output short enough to be kept in the result alone. */
function inlinePage(text: string, offset: number, limit: number): object {
  const bytes = Buffer.from(text)
  const end = Math.min(offset + limit, bytes.length)
  return {
    data: bytes.subarray(offset, end).toString(),
    offset,
    next_offset: end,
    total: bytes.length,
    eof: end >= bytes.length,
  }
}
