import {
  agentEndpointSubject,
  type AgentEndpoint,
  decode,
  type Endpoint,
  type OperatorEndpoint,
  operatorEndpointSubject,
  subjectToken,
} from '@centralpost/shared'
import type { z } from 'zod'

const nameToken = 2

/** The caller of an endpoint, as authenticated by the broker. */
export function callerOf(subject: string): string {
  return subjectToken(subject, nameToken)
}

/** An endpoint below `CENTRAL_POST.agent.*`: an agent calls it under its own name only. */
export function agentEndpoint<T extends z.ZodType>(
  name: AgentEndpoint,
  description: string,
  schema: T,
  answer: (call: z.output<T>, agentId: string) => Promise<object>,
): Endpoint {
  return {
    name: `agent_${name}`,
    subject: agentEndpointSubject('*', name),
    description,
    answer: ({ subject, data }) => answer(decode(schema, data), callerOf(subject)),
  }
}

/** An endpoint below `CENTRAL_POST.operator.*`: an operator calls it under their own name only. */
export function operatorEndpoint<T extends z.ZodType>(
  name: OperatorEndpoint,
  description: string,
  schema: T,
  answer: (call: z.output<T>, operatorId: string) => Promise<object>,
): Endpoint {
  return {
    name: `operator_${name}`,
    subject: operatorEndpointSubject('*', name),
    description,
    answer: ({ subject, data }) => answer(decode(schema, data), callerOf(subject)),
  }
}
