import {
  acceptReplySchema,
  type AlwaysDecision,
  type AlwaysRule,
  type AlwaysScope,
  type Bus,
  cancelReplySchema,
  decisionReplySchema,
  isCentralPostError,
  type OperatorEndpoint,
  operatorEndpointSubject,
  type Proposal,
  rulesReplySchema,
  type Subscription,
} from '@centralpost/shared'
import type { z } from 'zod'
import { askHub } from '../spoke/ask.ts'
import { connectSpoke, type SpokeOptions } from '../spoke/spoke.ts'
import { longAnswerMs, named, OperatorQuestions } from './questions.ts'
import { tailBus, type TailedEvent, type TailFilter } from './tail.ts'

/** Options of an approval. */
export interface ApproveOptions {
  readonly agentId?: string
  /** the digest that was shown: the hub approves exactly that, or nothing */
  readonly digest?: string
  /** also clears every identical pending action @default false */
  readonly same?: boolean
  readonly comment?: string
  /** an always decision also makes the rule shown in the approval request */
  readonly decision?: 'approve_once' | AlwaysDecision
  /** the rule's scope @default the action's workflow, or its agent where it has none */
  readonly scope?: AlwaysScope
  /** lifetime of that rule, in seconds @default the hub's default */
  readonly expiresInSeconds?: number
}

/** Options for accepting a proposed rule. */
export interface AcceptOptions {
  /** the query behind the proposal, if not the default */
  readonly least?: number
  readonly since?: string
  readonly comment?: string
  /** lifetime of the rule, in seconds @default the hub's default */
  readonly expiresInSeconds?: number
}

/** Identifies the proposal that was shown: its rule, and its approvals. */
export type ShownProposal = Pick<Proposal, 'agent_id' | 'decision' | 'rule'> & {
  readonly support: readonly Pick<Proposal['support'][number], 'action_id'>[]
}

/**
 * A person's spoke: sees everything, approves and denies, under a name authenticated by the broker.
 */
export class Operator extends OperatorQuestions {
  readonly name: string
  readonly #bus: Bus

  private constructor(name: string, bus: Bus) {
    super()
    this.name = name
    this.#bus = bus
  }

  /**
   * Connects under a name known to the broker as an operator.
   *
   * @throws {CentralPostError} `invalid_request` for a bad name, `not_found` without credentials,
   *   `unavailable` when no broker answers, `forbidden` when it refuses the credentials
   */
  static async connect(options: SpokeOptions): Promise<Operator> {
    return new Operator(options.name, await connectSpoke('operator', options))
  }

  /** The address of this operator's broker. */
  get server(): string {
    return this.#bus.server
  }

  /**
   * Approves an action.
   *
   * @throws {CentralPostError} `not_found`; `conflict` when it was decided already (and by whom) or
   *   the digest differs
   */
  approve(
    actionId: string,
    options: ApproveOptions = {},
  ): Promise<z.infer<typeof decisionReplySchema>> {
    const call = {
      ...named(actionId, options.agentId),
      ...(options.digest !== undefined && { digest: options.digest }),
      ...(options.same !== undefined && { same: options.same }),
      ...(options.comment !== undefined && { comment: options.comment }),
      ...(options.decision !== undefined && { decision: options.decision }),
      ...(options.scope !== undefined && { scope: options.scope }),
      ...(options.expiresInSeconds !== undefined && { expires_in: options.expiresInSeconds }),
    }
    return this.#decide('approve', call, decisionReplySchema, deciderOf)
  }

  /**
   * Denies an action.
   *
   * @param reason sent to the agent, like `suggestion`
   * @throws {CentralPostError} `not_found`; `conflict` when it was decided already
   */
  deny(
    actionId: string,
    reason: string,
    options: { agentId?: string; suggestion?: string } = {},
  ): Promise<z.infer<typeof decisionReplySchema>> {
    const call = {
      ...named(actionId, options.agentId),
      reason,
      ...(options.suggestion !== undefined && { suggestion: options.suggestion }),
    }
    return this.#decide('deny', call, decisionReplySchema, deciderOf)
  }

  /**
   * Makes a proposed rule exactly as shown; nothing runs now.
   *
   * @throws {CentralPostError} `conflict` when the proposal has changed, or such a rule is in force
   *   already
   */
  async acceptProposal(proposal: ShownProposal, options: AcceptOptions = {}): Promise<AlwaysRule> {
    const call = {
      agent_id: proposal.agent_id,
      action_id: proposal.support[0]?.action_id,
      decision: proposal.decision,
      rule: proposal.rule,
      ...(options.least !== undefined && { least: options.least }),
      ...(options.since !== undefined && { since: options.since }),
      ...(options.comment !== undefined && { comment: options.comment }),
      ...(options.expiresInSeconds !== undefined && { expires_in: options.expiresInSeconds }),
    }
    const reply = await this.#decide(
      'accept',
      call,
      acceptReplySchema,
      ({ rule }) => rule.created_by,
      { timeoutMs: longAnswerMs },
    )
    return reply.rule
  }

  /**
   * Revokes an always rule.
   *
   * @throws {CentralPostError} `not_found`
   */
  async revokeRule(ruleId: string): Promise<void> {
    await this.ask('rules', { revoke: ruleId }, rulesReplySchema)
  }

  /** Cancels an action, at any stage before its end. */
  cancel(
    actionId: string,
    options: { agentId?: string; reason?: string } = {},
  ): Promise<z.infer<typeof cancelReplySchema>> {
    const call = {
      ...named(actionId, options.agentId),
      ...(options.reason !== undefined && { reason: options.reason }),
    }
    return this.ask('cancel', call, cancelReplySchema)
  }

  /** Delivers every event of every action as it happens, in order. */
  tail(receive: (event: TailedEvent) => void, filter: TailFilter = {}): Subscription {
    return tailBus(this.#bus, receive, filter)
  }

  get isConnected(): boolean {
    return this.#bus.isConnected
  }

  /**
   * Calls back each time the connection to the broker is lost. Returns a function that stops it.
   */
  onDisconnect(callback: () => void): () => void {
    return this.#bus.onDisconnect(callback)
  }

  /** Calls back each time the lost connection is back. Returns a function that stops it. */
  onReconnect(callback: () => void): () => void {
    return this.#bus.onReconnect(callback)
  }

  /** Resolves when the broker has processed all earlier calls, such as a subscription. */
  flush(): Promise<void> {
    return this.#bus.flush()
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#bus.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  ask<T extends z.ZodType>(
    endpoint: OperatorEndpoint,
    call: object,
    schema: T,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<z.output<T>> {
    const subject = operatorEndpointSubject(this.name, endpoint)
    return askHub(this.#bus, subject, call, { schema, ...options })
  }

  /**
   * A decision is repeated if its answer was lost with the connection; a conflict with our own
   * earlier decision is no error.
   */
  async #decide<T extends z.ZodType>(
    endpoint: 'approve' | 'deny' | 'accept',
    call: object,
    schema: T,
    decider: (reply: z.output<T>) => string,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<z.output<T>> {
    let isRepeated = !this.isConnected
    const stop = this.onDisconnect(() => {
      isRepeated = true
    })
    try {
      return await this.ask(endpoint, call, schema, options)
    } catch (error) {
      if (!isRepeated || !isCentralPostError(error) || error.code !== 'conflict') throw error
      const stands = schema.safeParse(error.details)
      if (!stands.success || decider(stands.data) !== this.name) throw error
      return stands.data
    } finally {
      stop()
    }
  }
}

const deciderOf = (decided: z.infer<typeof decisionReplySchema>): string => decided.decided_by
