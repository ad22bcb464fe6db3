import {
  type ActionDetail,
  actionReplySchema,
  type AlwaysDecision,
  type AlwaysRule,
  type AlwaysScope,
  type ApprovalNeeded,
  type Bus,
  cancelReplySchema,
  type CentralPostError,
  type Checkpoint,
  type CommandStatistics,
  decisionReplySchema,
  type exportCallSchema,
  exportReplySchema,
  type historyCallSchema,
  historyReplySchema,
  hubsReplySchema,
  isCentralPostError,
  type OperatorEndpoint,
  operatorEndpointSubject,
  type operatorPatternsCallSchema,
  operatorPatternsReplySchema,
  type outputCallSchema,
  outputReplySchema,
  type Overview,
  type overviewCallSchema,
  overviewReplySchema,
  pendingReplySchema,
  type Proposal,
  type proposalsCallSchema,
  proposalsReplySchema,
  type ResultReply,
  resultReplySchema,
  rulesReplySchema,
  type Segment,
  segmentsReplySchema,
  statsReplySchema,
  type Subscription,
  type Verdict,
  verdictSchema,
  type VerifyReply,
  verifyReplySchema,
  type violationsCallSchema,
  violationsReplySchema,
} from '@centralpost/shared'
import type { z } from 'zod'
import { askHub } from '../ask.ts'
import { connectSpoke, type SpokeOptions } from '../spoke.ts'
import { tailBus, type TailedEvent, type TailFilter } from './tail.ts'

/** How long the hub may take over what reads much of its database, in milliseconds. */
const longAnswerMs = 60_000
/** How long it may take over what reads the whole audit trail. */
const wholeTrailMs = 600_000

export type HistoryQuery = z.input<typeof historyCallSchema>
export type OverviewQuery = z.input<typeof overviewCallSchema>
export type PatternsQuery = z.input<typeof operatorPatternsCallSchema>
export type ExportQuery = z.input<typeof exportCallSchema>
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
    return this.#decide('approve', call)
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
    return this.#decide('deny', call)
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

  /**
   * One action with everything the audit trail tells of it.
   *
   * @throws {CentralPostError} `not_found`; `conflict` where two agents used the id
   */
  action(actionId: string, agentId?: string): Promise<ActionDetail> {
    return this.#ask('action', named(actionId, agentId), actionReplySchema)
  }

  /** Counts and durations of one command (and of all like it, with their latest runs), or of everything. */
  stats(command?: string): Promise<CommandStatistics> {
    return this.#ask('stats', command === undefined ? {} : { command }, statsReplySchema)
  }

  /** What happened in a range of time, for one screen. */
  overview(query: OverviewQuery = {}): Promise<Overview> {
    return this.#ask('overview', query, overviewReplySchema, longAnswerMs)
  }

  /** Patterns, or the commands that work, or those that fail; `create` adds one, `mine` looks for new ones first. */
  patterns(query: PatternsQuery = {}): Promise<z.infer<typeof operatorPatternsReplySchema>> {
    return this.#ask('patterns', query, operatorPatternsReplySchema, longAnswerMs)
  }

  /** Always rules that repeated approvals speak for. Nothing is approved by asking. */
  async proposals(query: z.input<typeof proposalsCallSchema> = {}): Promise<readonly Proposal[]> {
    return (await this.#ask('proposals', query, proposalsReplySchema, longAnswerMs)).proposals
  }

  /** Python and pip that ran outside a virtual environment. */
  async violations(
    query: z.input<typeof violationsCallSchema> = {},
  ): Promise<z.infer<typeof violationsReplySchema>['violations']> {
    return (await this.#ask('violations', query, violationsReplySchema)).violations
  }

  /**
   * Executions as text, oldest first, a piece at a time: whole lines, to be written one after the other.
   *
   * @throws {CentralPostError} `unavailable` when no hub answers
   */
  async *export(query: ExportQuery = {}): AsyncGenerator<string> {
    let after: number | null = query.after ?? 0
    while (after !== null) {
      const page: z.infer<typeof exportReplySchema> = await this.#ask(
        'export',
        { ...query, after },
        exportReplySchema,
        longAnswerMs,
      )
      if (page.text !== '') yield page.text
      after = page.next
    }
  }

  /** Parts of the audit trail that were put away; with `sealBefore` (ISO 8601), what is older is put away first. */
  async segments(options: { readonly sealBefore?: string } = {}): Promise<readonly Segment[]> {
    const { sealBefore: before } = options
    const call = before === undefined ? {} : { seal: { before } }
    return (await this.#ask('segments', call, segmentsReplySchema, wholeTrailMs)).segments
  }

  /** Who serves, and how it goes. */
  async hubs(): Promise<z.infer<typeof hubsReplySchema>['hubs']> {
    return (await this.#ask('hubs', {}, hubsReplySchema)).hubs
  }

  /**
   * Has the hub recompute the audit chain.
   *
   * @param checkpoints taken earlier and kept outside the hub: a tail that was cut off shows by them
   */
  verify(checkpoints: readonly Checkpoint[] = []): Promise<VerifyReply> {
    const call = checkpoints.length === 0 ? {} : { checkpoints }
    return this.#ask('verify', call, verifyReplySchema, wholeTrailMs)
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

  #ask<T extends z.ZodType>(
    endpoint: OperatorEndpoint,
    call: object,
    schema: T,
    timeoutMs?: number,
  ): Promise<z.output<T>> {
    const subject = operatorEndpointSubject(this.name, endpoint)
    const options = { schema, ...(timeoutMs !== undefined && { timeoutMs }) }
    return askHub(this.#bus, subject, call, options)
  }

  /** A decision whose answer was lost with the connection is told again; that it stands by our own word is no conflict. */
  async #decide(
    endpoint: 'approve' | 'deny',
    call: object,
  ): Promise<z.infer<typeof decisionReplySchema>> {
    const subject = operatorEndpointSubject(this.name, endpoint)
    let isRepeated = !this.isConnected
    const stop = this.onDisconnect(() => {
      isRepeated = true
    })
    try {
      return await askHub(this.#bus, subject, call, { schema: decisionReplySchema })
    } catch (error) {
      const stands = isRepeated && isCentralPostError(error) ? ownDecision(error, this.name) : null
      if (stands === null) throw error
      return stands
    } finally {
      stop()
    }
  }
}

function ownDecision(
  error: CentralPostError,
  name: string,
): z.infer<typeof decisionReplySchema> | null {
  const stands = decisionReplySchema.safeParse(error.details)
  return error.code === 'conflict' && stands.success && stands.data.decided_by === name
    ? stands.data
    : null
}

function named(actionId: string, agentId: string | undefined): object {
  return { action_id: actionId, ...(agentId !== undefined && { agent_id: agentId }) }
}
