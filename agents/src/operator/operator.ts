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

/** What an operator may say with an approval. */
export interface ApproveOptions {
  readonly agentId?: string
  /** the digest that was shown: the hub then approves exactly that, or nothing */
  readonly digest?: string
  /** clears every pending action that is the same as well @default false */
  readonly same?: boolean
  readonly comment?: string
  /** an always decision makes a rule as well: the one that the approval request showed for it */
  readonly decision?: 'approve_once' | AlwaysDecision
  /** where that rule holds @default the action's workflow, or its agent where it has none */
  readonly scope?: AlwaysScope
  /** how long that rule holds, in seconds @default the hub's default */
  readonly expiresInSeconds?: number
}

/** What an operator may say with a yes to a proposed rule. */
export interface AcceptOptions {
  /** how the proposal was asked for, where that was not by default */
  readonly least?: number
  readonly since?: string
  readonly comment?: string
  /** how long the rule holds, in seconds @default the hub's default */
  readonly expiresInSeconds?: number
}

/** What says which proposal was shown: its rule, and the approvals behind it. */
export type ShownProposal = Pick<Proposal, 'agent_id' | 'decision' | 'rule'> & {
  readonly support: readonly Pick<Proposal['support'][number], 'action_id'>[]
}

/** A person's spoke: sees everything, approves and denies, under a name that the broker has checked. */
export class Operator extends OperatorQuestions {
  readonly name: string
  readonly #bus: Bus

  private constructor(name: string, bus: Bus) {
    super()
    this.name = name
    this.#bus = bus
  }

  /**
   * Connects under a name that the broker knows as an operator.
   *
   * @throws {CentralPostError} `invalid_request` for a bad name, `not_found` without credentials, `unavailable` when no
   * broker answers, `forbidden` when it refuses the credentials
   */
  static async connect(options: SpokeOptions): Promise<Operator> {
    return new Operator(options.name, await connectSpoke('operator', options))
  }

  /** Where the broker is that this operator talks to. */
  get server(): string {
    return this.#bus.server
  }

  /**
   * Clears an action.
   *
   * @throws {CentralPostError} `not_found`; `conflict` when it was decided already (and by whom) or the digest differs
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
   * Refuses an action.
   *
   * @param reason reaches the agent, as `suggestion` does
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
   * Makes the rule of a proposal, exactly as it was shown; nothing runs by it now.
   *
   * @throws {CentralPostError} `conflict` when it stands no more as it was shown, or such a rule holds already
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
   * Ends an always rule.
   *
   * @throws {CentralPostError} `not_found`
   */
  async revokeRule(ruleId: string): Promise<void> {
    await this.ask('rules', { revoke: ruleId }, rulesReplySchema)
  }

  /** Ends an action at any stage before its end. */
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

  /** Hands over every event of every action as it happens, in order. */
  tail(receive: (event: TailedEvent) => void, filter: TailFilter = {}): Subscription {
    return tailBus(this.#bus, receive, filter)
  }

  get isConnected(): boolean {
    return this.#bus.isConnected
  }

  /** Calls back each time the connection to the broker is lost. Returns how to stop that. */
  onDisconnect(callback: () => void): () => void {
    return this.#bus.onDisconnect(callback)
  }

  /** Calls back each time the lost connection is there again. Returns how to stop that. */
  onReconnect(callback: () => void): () => void {
    return this.#bus.onReconnect(callback)
  }

  /** Resolves when the broker has everything that was asked of it before, such as a tail. */
  flush(): Promise<void> {
    return this.#bus.flush()
  }

  /** May be called twice. */
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

  /** A decision whose answer was lost with the connection is told again; that it stands by our own word is no conflict. */
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
