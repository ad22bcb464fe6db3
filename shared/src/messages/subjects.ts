/** Every subject of the wire contract, as constants and builders. No other file spells one out. */

export const requestSubject = (agentId: string): string => `SYSTEM_ACTION_REQUEST.${agentId}`
export const approvalNeededSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_APPROVAL_NEEDED.${agentId}.${actionId}`
export const approvedSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_APPROVED.${agentId}.${actionId}`
export const deniedSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_DENIED.${agentId}.${actionId}`
export const startSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_START.${agentId}.${actionId}`
export const outputSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_OUTPUT.${agentId}.${actionId}`
export const resultSubject = (agentId: string, actionId: string): string =>
  `SYSTEM_ACTION_RESULT.${agentId}.${actionId}`

/** Messages from the hub to all operators, and to no agent. */
export const ruleChangedSubject = 'CENTRAL_POST.hub.rules'

/** The ledger's claim on the broker: stored by the broker, read and written by hubs only. */
export const ledgerClaimSubject = 'CENTRAL_POST.hub.ledger'
export const ledgerClaimStream = 'CENTRAL_POST_LEDGER'

/** The subjects of the streams. */
export const allRequests = 'SYSTEM_ACTION_REQUEST.*'
export const allResults = 'SYSTEM_ACTION_RESULT.*.*'

/** The kinds of message that an agent may read, each only under its own name. */
export const agentEventSubjects = [
  'SYSTEM_ACTION_APPROVAL_NEEDED',
  'SYSTEM_ACTION_APPROVED',
  'SYSTEM_ACTION_DENIED',
  'SYSTEM_ACTION_START',
  'SYSTEM_ACTION_OUTPUT',
  'SYSTEM_ACTION_RESULT',
] as const

export const agentEndpointNames = ['result', 'cancel', 'state', 'classify', 'patterns'] as const
export type AgentEndpoint = (typeof agentEndpointNames)[number]

export const operatorEndpointNames = [
  'pending',
  'approve',
  'deny',
  'cancel',
  'result',
  'output',
  'history',
  'action',
  'stats',
  'overview',
  'patterns',
  'proposals',
  'accept',
  'violations',
  'classify',
  'rules',
  'hubs',
  'verify',
  'export',
  'segments',
] as const
export type OperatorEndpoint = (typeof operatorEndpointNames)[number]

export const agentEndpointSubject = (agentId: string, endpoint: AgentEndpoint): string =>
  `CENTRAL_POST.agent.${agentId}.${endpoint}`
export const operatorEndpointSubject = (operatorId: string, endpoint: OperatorEndpoint): string =>
  `CENTRAL_POST.operator.${operatorId}.${endpoint}`

/** The streams, and the prefix of the hub's consumers: one per agent, `hub-<agent>`. */
export const actionStream = 'SYSTEM_ACTIONS'
export const resultStream = 'SYSTEM_ACTION_RESULTS'
export const hubConsumer = 'hub'

/**
 * The sender's token in a subject: `SYSTEM_ACTION_REQUEST.<agent>`, `CENTRAL_POST.agent.<agent>.…`.
 */
export function subjectToken(subject: string, position: number): string {
  return subject.split('.')[position] ?? ''
}
