import {
  type AlwaysDecision,
  type AlwaysRule,
  type AlwaysScope,
  type ApprovalNeeded,
  type Bus,
  cancelReplySchema,
  decisionReplySchema,
  type historyCallSchema,
  historyReplySchema,
  hubsReplySchema,
  type OperatorEndpoint,
  operatorEndpointSubject,
  type outputCallSchema,
  outputReplySchema,
  pendingReplySchema,
  type ResultReply,
  resultReplySchema,
  rulesReplySchema,
  statsReplySchema,
  type Subscription,
  type Verdict,
  verdictSchema,
  verifyReplySchema,
} from '@centralpost/shared'
import type { z } from 'zod'
import { connectSpoke, type SpokeOptions } from '../spoke.ts'
import { tailBus, type TailedEvent, type TailFilter } from './tail.ts'

/** How long the hub may take over what reads much of its database, in milliseconds. */
const longAnswerMs = 60_000

export type HistoryQuery = z.input<typeof historyCallSchema>
export type OutputQuery = Omit<z.input<typeof outputCallSchema>, 'action_id' | 'schema'>

/** What an operator may say with an approval. */
export interface ApproveOptions {
  readonly agentId?: string
  /** the digest that was shown: the hub then approves exactly that, or nothing */
  readonly digest?: string
  readonly comment?: string
  /** an always decision makes a rule as well: the one that the approval request showed for it */
  readonly decision?: 'approve_once' | AlwaysDecision
  /** where that rule holds @default the action's workflow, or its agent where it has none */
  readonly scope?: AlwaysScope
  /** how long that rule holds, in seconds @default the hub's default */
  readonly expiresInSeconds?: number
}

/** A person's spoke: sees everything, approves and denies, under a name that the broker has checked. */
export class Operator {
  readonly name: string
  readonly #bus: Bus

  private constructor(name: string, bus: Bus) {
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

  /** Whether the connection to the broker is there now; a lost one is tried again for ever. */
  get isConnected(): boolean {
    return this.#bus.isConnected
  }

  /** Calls back each time a lost connection is there again. Returns how to stop that. */
  onReconnect(callback: () => void): () => void {
    return this.#bus.onReconnect(callback)
  }

  /**
   * Asks an endpoint of the hub and checks its answer.
   *
   * @param options.timeoutMs how long the answer may take, in milliseconds @default 5000
   * @throws {CentralPostError} what the hub answered, or `unavailable` when none did
   */
  ask<T extends z.ZodType>(
    endpoint: OperatorEndpoint,
    call: object,
    schema: T,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<z.output<T>> {
    return this.#ask(endpoint, call, schema, options.timeoutMs)
  }

  /** What waits for a person, oldest first. */
  async pending(
    filter: { agentId?: string; workflowId?: string } = {},
  ): Promise<readonly ApprovalNeeded[]> {
    const call = {
      ...(filter.agentId !== undefined && { agent_id: filter.agentId }),
      ...(filter.workflowId !== undefined && { workflow_id: filter.workflowId }),
    }
    const all: ApprovalNeeded[] = []
    let after: number | null = 0
    while (after !== null) {
      const page: z.infer<typeof pendingReplySchema> = await this.#ask(
        'pending',
        { ...call, after },
        pendingReplySchema,
      )
      all.push(...page.pending)
      after = page.next
    }
    return all
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
      ...(options.comment !== undefined && { comment: options.comment }),
      ...(options.decision !== undefined && { decision: options.decision }),
      ...(options.scope !== undefined && { scope: options.scope }),
      ...(options.expiresInSeconds !== undefined && { expires_in: options.expiresInSeconds }),
    }
    return this.#ask('approve', call, decisionReplySchema)
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
    return this.#ask('deny', call, decisionReplySchema)
  }

  /** The always rules in force; with `all`, those that have ended as well. */
  async alwaysRules(options: { all?: boolean } = {}): Promise<readonly AlwaysRule[]> {
    return (await this.#ask('rules', { all: options.all ?? false }, rulesReplySchema)).rules
  }

  /**
   * Ends an always rule.
   *
   * @throws {CentralPostError} `not_found`
   */
  async revokeRule(ruleId: string): Promise<void> {
    await this.#ask('rules', { revoke: ruleId }, rulesReplySchema)
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
    return this.#ask('cancel', call, cancelReplySchema)
  }

  /** Where an action stands, with its result if it has one. */
  result(actionId: string, agentId?: string): Promise<ResultReply> {
    return this.#ask('result', named(actionId, agentId), resultReplySchema)
  }

  /** One page of everything a stream of an action printed. */
  output(actionId: string, query: OutputQuery = {}): Promise<z.infer<typeof outputReplySchema>> {
    return this.#ask('output', { action_id: actionId, ...query }, outputReplySchema)
  }

  /** What was recorded, newest first. */
  history(query: HistoryQuery = {}): Promise<z.infer<typeof historyReplySchema>> {
    return this.#ask('history', query, historyReplySchema)
  }

  /** Counts and durations of one command, or of everything. */
  stats(command?: string): Promise<z.infer<typeof statsReplySchema>> {
    return this.#ask('stats', command === undefined ? {} : { command }, statsReplySchema)
  }

  /** Who serves, and how it goes. */
  async hubs(): Promise<z.infer<typeof hubsReplySchema>['hubs']> {
    return (await this.#ask('hubs', {}, hubsReplySchema)).hubs
  }

  /** Has the hub recompute the audit chain. */
  verify(): Promise<z.infer<typeof verifyReplySchema>> {
    return this.#ask('verify', {}, verifyReplySchema, longAnswerMs)
  }

  /** What would be decided about a command. */
  classify(command: string | readonly string[], cwd?: string): Promise<Verdict> {
    const form = typeof command === 'string' ? { command } : { argv: command }
    return this.#ask('classify', { ...form, ...(cwd !== undefined && { cwd }) }, verdictSchema)
  }

  /** Hands over every event of every action as it happens, in order. */
  tail(receive: (event: TailedEvent) => void, filter: TailFilter = {}): Subscription {
    return tailBus(this.#bus, receive, filter)
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

  #ask<T extends z.ZodType>(
    endpoint: OperatorEndpoint,
    call: object,
    schema: T,
    timeoutMs?: number,
  ): Promise<z.output<T>> {
    const subject = operatorEndpointSubject(this.name, endpoint)
    const options = { schema, ...(timeoutMs !== undefined && { timeoutMs }) }
    return this.#bus.request(subject, { schema: 1, ...call }, options)
  }
}

function named(actionId: string, agentId: string | undefined): object {
  return { action_id: actionId, ...(agentId !== undefined && { agent_id: agentId }) }
}
