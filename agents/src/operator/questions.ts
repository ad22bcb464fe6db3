import {
  type ActionDetail,
  actionReplySchema,
  type AlwaysRule,
  type ApprovalNeeded,
  type Checkpoint,
  type CommandStatistics,
  type exportCallSchema,
  exportReplySchema,
  type historyCallSchema,
  historyReplySchema,
  hubsReplySchema,
  type OperatorEndpoint,
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
  type Verdict,
  verdictSchema,
  type VerifyReply,
  verifyReplySchema,
  type violationsCallSchema,
  violationsReplySchema,
} from '@centralpost/shared'
import type { z } from 'zod'

/** Time limit for queries that read much of the hub's database, in milliseconds. */
export const longAnswerMs = 60_000
/** Time limit for queries that read the whole audit trail, in milliseconds. */
const wholeTrailMs = 600_000

export type HistoryQuery = z.input<typeof historyCallSchema>
export type OverviewQuery = z.input<typeof overviewCallSchema>
export type PatternsQuery = z.input<typeof operatorPatternsCallSchema>
export type ExportQuery = z.input<typeof exportCallSchema>
export type OutputQuery = Omit<z.input<typeof outputCallSchema>, 'action_id' | 'schema'>

/** The queries of an operator: waiting actions, history, and patterns. */
export abstract class OperatorQuestions {
  /**
   * Calls an endpoint of the hub and checks its answer.
   *
   * @param options.timeoutMs time limit of the answer, in milliseconds @default 5000
   * @throws {CentralPostError} the hub's error, or `unavailable` when no hub answered
   */
  abstract ask<T extends z.ZodType>(
    endpoint: OperatorEndpoint,
    call: object,
    schema: T,
    options?: { readonly timeoutMs?: number },
  ): Promise<z.output<T>>

  /** Actions waiting for approval, oldest first. */
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
      const page: z.infer<typeof pendingReplySchema> = await this.ask(
        'pending',
        { ...call, after },
        pendingReplySchema,
      )
      all.push(...page.pending)
      after = page.next
    }
    return all
  }

  /** The always rules in force; with `all`, also expired and revoked ones. */
  async alwaysRules(options: { all?: boolean } = {}): Promise<readonly AlwaysRule[]> {
    return (await this.ask('rules', { all: options.all ?? false }, rulesReplySchema)).rules
  }

  /** The state of an action, with its result if it has ended. */
  result(actionId: string, agentId?: string): Promise<ResultReply> {
    return this.ask('result', named(actionId, agentId), resultReplySchema)
  }

  /** One page of an action's complete output on one stream. */
  output(actionId: string, query: OutputQuery = {}): Promise<z.infer<typeof outputReplySchema>> {
    return this.ask('output', { action_id: actionId, ...query }, outputReplySchema)
  }

  /** Recorded executions, newest first. */
  history(query: HistoryQuery = {}): Promise<z.infer<typeof historyReplySchema>> {
    return this.ask('history', query, historyReplySchema)
  }

  /**
   * One action with its audit trail.
   *
   * @throws {CentralPostError} `not_found`; `conflict` where two agents used the id
   */
  action(actionId: string, agentId?: string): Promise<ActionDetail> {
    return this.ask('action', named(actionId, agentId), actionReplySchema)
  }

  /**
   * Counts and durations of one command (and of similar ones, with their latest runs), or of
   * everything.
   */
  stats(command?: string): Promise<CommandStatistics> {
    return this.ask('stats', command === undefined ? {} : { command }, statsReplySchema)
  }

  /** A summary of a time range, for one screen. */
  overview(query: OverviewQuery = {}): Promise<Overview> {
    return this.ask('overview', query, overviewReplySchema, { timeoutMs: longAnswerMs })
  }

  /**
   * Patterns, or the commands that succeed, or those that fail; `create` adds one, `mine` mines the
   * history first.
   */
  patterns(query: PatternsQuery = {}): Promise<z.infer<typeof operatorPatternsReplySchema>> {
    return this.ask('patterns', query, operatorPatternsReplySchema, { timeoutMs: longAnswerMs })
  }

  /** Always rules proposed from repeated approvals. The query approves nothing. */
  async proposals(query: z.input<typeof proposalsCallSchema> = {}): Promise<readonly Proposal[]> {
    return (await this.ask('proposals', query, proposalsReplySchema, { timeoutMs: longAnswerMs }))
      .proposals
  }

  /** Python and pip runs outside a virtual environment. */
  async violations(
    query: z.input<typeof violationsCallSchema> = {},
  ): Promise<z.infer<typeof violationsReplySchema>['violations']> {
    return (await this.ask('violations', query, violationsReplySchema)).violations
  }

  /**
   * Executions as text, oldest first, in pieces of whole lines, ready to be appended.
   *
   * @throws {CentralPostError} `unavailable` when no hub answers
   */
  async *export(query: ExportQuery = {}): AsyncGenerator<string> {
    let after: number | null = query.after ?? 0
    while (after !== null) {
      const page: z.infer<typeof exportReplySchema> = await this.ask(
        'export',
        { ...query, after },
        exportReplySchema,
        { timeoutMs: longAnswerMs },
      )
      if (page.text !== '') yield page.text
      after = page.next
    }
  }

  /** Sealed segments of the audit trail; with `sealBefore` (ISO 8601), seals older events first. */
  async segments(options: { readonly sealBefore?: string } = {}): Promise<readonly Segment[]> {
    const { sealBefore: before } = options
    const call = before === undefined ? {} : { seal: { before } }
    return (await this.ask('segments', call, segmentsReplySchema, { timeoutMs: wholeTrailMs }))
      .segments
  }

  /** The serving hub and its status. */
  async hubs(): Promise<z.infer<typeof hubsReplySchema>['hubs']> {
    return (await this.ask('hubs', {}, hubsReplySchema)).hubs
  }

  /**
   * Has the hub recompute the audit chain.
   *
   * @param checkpoints taken earlier and kept outside the hub: they reveal a truncated chain
   */
  verify(checkpoints: readonly Checkpoint[] = []): Promise<VerifyReply> {
    const call = checkpoints.length === 0 ? {} : { checkpoints }
    return this.ask('verify', call, verifyReplySchema, { timeoutMs: wholeTrailMs })
  }

  /** The verdict on a command. */
  classify(command: string | readonly string[], cwd?: string): Promise<Verdict> {
    const form = typeof command === 'string' ? { command } : { argv: command }
    return this.ask('classify', { ...form, ...(cwd !== undefined && { cwd }) }, verdictSchema)
  }
}

/** The part of a call that identifies the action. */
export function named(actionId: string, agentId: string | undefined): object {
  return { action_id: actionId, ...(agentId !== undefined && { agent_id: agentId }) }
}
