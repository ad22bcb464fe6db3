import {
  type ActionApproved,
  actionApprovedSchema,
  type ActionDenied,
  actionDeniedSchema,
  type ActionOutput,
  actionOutputSchema,
  type ActionResult,
  actionResultSchema,
  type ActionStart,
  actionStartSchema,
  agentEventSubjects,
  type ApprovalNeeded,
  approvalNeededSchema,
  type Bus,
  type BusMessage,
  type CentralPostError,
  requestSubject,
  type RuleChanged,
  ruleChangedSchema,
  ruleChangedSubject,
  type Subscription,
  subjectToken,
} from '@centralpost/shared'
import type { z } from 'zod'

interface Tailed {
  readonly subject: string
  /** empty for a rule that applies to every agent */
  readonly agentId: string
  /** empty for a rule, and for a request that leaves its id to the hub */
  readonly actionId: string
  /** the payload as received */
  readonly raw: unknown
}

/** A message of the wire contract, as an observer sees it. `other` does not match its schema. */
export type TailedEvent = Tailed &
  (
    | { readonly kind: 'approval_needed'; readonly message: ApprovalNeeded }
    | { readonly kind: 'approved'; readonly message: ActionApproved }
    | { readonly kind: 'denied'; readonly message: ActionDenied }
    | { readonly kind: 'start'; readonly message: ActionStart }
    | { readonly kind: 'output'; readonly message: ActionOutput }
    | { readonly kind: 'result'; readonly message: ActionResult }
    | { readonly kind: 'rule'; readonly message: RuleChanged }
    | { readonly kind: 'request' | 'other'; readonly message: unknown }
  )

export type TailedKind = (typeof agentEventSubjects)[number]

export interface TailFilter {
  readonly agentId?: string
  /** only these kinds of message, without requests and rules @default all */
  readonly kinds?: readonly TailedKind[]
  /** a subject with wildcards, instead of all kinds of message */
  readonly subject?: string
  /** called when the broker refuses the subscription, or the subject is invalid */
  readonly refused?: (error: CentralPostError) => void
}

/** Subscribes to all events of actions and rules, and parses them. */
export function tailBus(
  bus: Bus,
  receive: (event: TailedEvent) => void,
  filter: TailFilter,
): Subscription {
  const agent = filter.agentId ?? '*'
  // `SYSTEM_ACTION_*` is no wildcard in NATS: a wildcard is a whole token
  const kinds = (filter.kinds ?? agentEventSubjects).map((kind) => `${kind}.${agent}.>`)
  const all =
    filter.kinds === undefined ? [requestSubject(agent), ...kinds, ruleChangedSubject] : kinds
  const subjects = filter.subject === undefined ? all : [filter.subject]
  const subscriptions = subjects.map((subject) =>
    bus.subscribe(
      subject,
      (message) => {
        const event = readEvent(message)
        if (isAbout(event, filter.agentId)) receive(event)
      },
      filter.refused,
    ),
  )
  return {
    drain: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.drain()))
    },
  }
}

function isAbout(event: TailedEvent, agentId: string | undefined): boolean {
  if (agentId === undefined || event.agentId === agentId) return true
  return event.kind === 'rule' && event.message.agent_id === null
}

function readEvent(message: BusMessage): TailedEvent {
  const raw = parsed(message.data)
  const tailed: Tailed = {
    subject: message.subject,
    agentId: subjectToken(message.subject, 1),
    actionId: subjectToken(message.subject, 2),
    raw,
  }
  const other: TailedEvent = { ...tailed, kind: 'other', message: raw }
  if (message.subject === ruleChangedSubject) {
    return (
      read(ruleChangedSchema, raw, (m) => ({
        ...tailed,
        agentId: m.agent_id ?? '',
        actionId: '',
        kind: 'rule',
        message: m,
      })) ?? other
    )
  }
  switch (subjectToken(message.subject, 0)) {
    case 'SYSTEM_ACTION_REQUEST':
      return { ...tailed, kind: 'request', message: raw }
    case 'SYSTEM_ACTION_APPROVAL_NEEDED':
      return (
        read(approvalNeededSchema, raw, (m) => ({
          ...tailed,
          kind: 'approval_needed',
          message: m,
        })) ?? other
      )
    case 'SYSTEM_ACTION_APPROVED':
      return (
        read(actionApprovedSchema, raw, (m) => ({ ...tailed, kind: 'approved', message: m })) ??
        other
      )
    case 'SYSTEM_ACTION_DENIED':
      return (
        read(actionDeniedSchema, raw, (m) => ({ ...tailed, kind: 'denied', message: m })) ?? other
      )
    case 'SYSTEM_ACTION_START':
      return (
        read(actionStartSchema, raw, (m) => ({ ...tailed, kind: 'start', message: m })) ?? other
      )
    case 'SYSTEM_ACTION_OUTPUT':
      return (
        read(actionOutputSchema, raw, (m) => ({ ...tailed, kind: 'output', message: m })) ?? other
      )
    case 'SYSTEM_ACTION_RESULT':
      return (
        read(actionResultSchema, raw, (m) => ({ ...tailed, kind: 'result', message: m })) ?? other
      )
    default:
      return other
  }
}

function read<T extends z.ZodType>(
  schema: T,
  raw: unknown,
  make: (message: z.output<T>) => TailedEvent,
): TailedEvent | undefined {
  const checked = schema.safeParse(raw)
  return checked.success ? make(checked.data) : undefined
}

function parsed(data: Uint8Array): unknown {
  const text = new TextDecoder().decode(data)
  try {
    return JSON.parse(text)
  } catch {
    // an agent may send anything; shown unchanged
    return text
  }
}
