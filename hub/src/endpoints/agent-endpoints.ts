import {
  agentPatternsCallSchema,
  cancelCallSchema,
  CentralPostError,
  classifyCallSchema,
  type Endpoint,
  resultCallSchema,
  stateCallSchema,
  fitList,
  PerCallerQueue,
} from '@centralpost/shared'
import { agentEndpoint, callerOf } from './define-endpoint.ts'
import type { HubParts } from './endpoint-parts.ts'

/** Limit of queued calls per agent. */
const mostCallsWaiting = 64

/** The endpoints of an agent: always about its own actions, whatever the call says. */
export function agentEndpoints(parts: HubParts): Endpoint[] {
  const { centralPost, executor, history, trust, config, hubId, checkCwd } = parts
  const turns = new PerCallerQueue(mostCallsWaiting)
  const endpoints = [
    agentEndpoint(
      'result',
      'the state and result of an action',
      resultCallSchema,
      async (call, agentId) => {
        refuseOther(call.agent_id, agentId)
        const { action, result } = await centralPost.getActionResult({
          actionId: call.action_id,
          agentId,
        })
        return { action_id: action.action_id, agent_id: agentId, state: action.status, result }
      },
    ),
    agentEndpoint('cancel', 'cancel an action', cancelCallSchema, async (call, agentId) => {
      refuseOther(call.agent_id, agentId)
      const action = await centralPost.cancelAction(
        { actionId: call.action_id, agentId },
        { by: `agent ${agentId}`, reason: call.reason },
      )
      return { action_id: action.action_id, state: action.status }
    }),
    agentEndpoint(
      'state',
      "the machine's state from a directory",
      stateCallSchema,
      async (call) => {
        const cwd = await checkCwd(call.cwd ?? config.roots[0] ?? '/')
        return { hub_id: hubId, ...(await executor.getSystemState(cwd)) }
      },
    ),
    agentEndpoint('classify', 'the verdict on a command', classifyCallSchema, async (call) => {
      const cwd = await checkCwd(call.cwd ?? config.roots[0] ?? '/')
      return trust.judge(call.argv ?? call.command ?? '', { cwd }).verdict
    }),
    agentEndpoint(
      'patterns',
      'suggestions from the history',
      agentPatternsCallSchema,
      async (call, agentId) => {
        const { task, after: actionId, category, limit } = call
        const after = actionId === undefined ? undefined : { agentId, actionId }
        const found = await history.ask((reads) =>
          reads.getSuggestions({ task, after, category, limit }),
        )
        return { suggestions: fitList(found).fit }
      },
    ),
  ]
  return endpoints.map((endpoint) => ({
    ...endpoint,
    answer: (call) => turns.take(callerOf(call.subject), () => endpoint.answer(call)),
  }))
}

function refuseOther(named: string | undefined, agentId: string): void {
  if (named === undefined || named === agentId) return
  throw new CentralPostError(
    'forbidden',
    `agent_id: "${named}" is another agent; "${agentId}" may ask about its own actions only`,
  )
}
