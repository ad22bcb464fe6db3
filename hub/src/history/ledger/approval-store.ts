import { asciiJson } from '../audit/audit-hash.ts'
import type { Database } from '../store/dialect/dialect.ts'
import type { GroupCommit } from '../audit/group-commit.ts'
import type { SecretKeeper } from '../masking/secret-keeper.ts'
import type { ApprovalRuleRow, CommandExecution } from '../store/schema.ts'

/** An always rule. The approval desk interprets its shape. */
export type ApprovalRule = Omit<ApprovalRuleRow, 'shape'> & { readonly shape: unknown }

/** The action behind a vote or a rule. */
type Voted = Pick<CommandExecution, 'execution_id' | 'agent_id' | 'action_id'> & {
  readonly masked?: number
}

interface Vote {
  readonly by: string
  readonly at: number
  readonly comment?: string | undefined
}

/** Votes on pending actions, and the always rules. */
export class ApprovalStore {
  readonly #db: Database
  readonly #commits: GroupCommit

  readonly #secrets: SecretKeeper

  constructor(db: Database, commits: GroupCommit, secrets: SecretKeeper) {
    this.#db = db
    this.#commits = commits
    this.#secrets = secrets
  }

  /**
   * Records an operator's approval of the digest shown; repeats count once.
   *
   * @returns the approvers so far, in order
   */
  vote(row: Voted, shown: string, { by: operatorId, at, comment }: Vote): Promise<string[]> {
    const executionId = row.execution_id
    const digest = row.masked === 1 ? this.#secrets.masker.keyed(shown) : shown
    return this.#commits.write(async ({ tx, tell }) => {
      const { numInsertedOrUpdatedRows: isNew } = await tx
        .insertInto('approval_votes')
        .values({ execution_id: executionId, digest, operator_id: operatorId, timestamp: at })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      if (isNew) {
        tell({
          timestamp: at,
          executionId,
          agentId: row.agent_id,
          actionId: row.action_id,
          kind: 'voted',
          data: asciiJson({
            by: operatorId,
            digest,
            ...(comment && this.#masked(row, { comment })),
          }),
        })
      }
      const votes = await tx
        .selectFrom('approval_votes')
        .select('operator_id')
        .where('execution_id', '=', executionId)
        .where('digest', '=', digest)
        .orderBy('timestamp')
        .execute()
      return votes.map((vote) => vote.operator_id)
    })
  }

  /** The current approvers of each of these actions. */
  async votes(executionIds: readonly number[]): Promise<ReadonlyMap<number, string[]>> {
    const found = new Map<number, string[]>()
    if (executionIds.length === 0) return found
    const rows = await this.#db
      .selectFrom('approval_votes as v')
      .innerJoin('command_executions as e', (join) =>
        join.onRef('e.execution_id', '=', 'v.execution_id').onRef('e.digest', '=', 'v.digest'),
      )
      .select(['v.execution_id', 'v.operator_id'])
      .where('v.execution_id', 'in', executionIds)
      .orderBy('v.timestamp')
      .execute()
    for (const row of rows) {
      found.set(row.execution_id, [...(found.get(row.execution_id) ?? []), row.operator_id])
    }
    return found
  }

  /** @param told additional audit data */
  addRule(rule: ApprovalRule, row: Voted, told: object = {}): Promise<void> {
    return this.#commits.write(async ({ tx, tell }) => {
      await tx
        .insertInto('approval_rules')
        .values({ ...rule, shape: JSON.stringify(rule.shape) })
        .execute()
      tell({
        timestamp: rule.created_at,
        executionId: row.execution_id,
        agentId: row.agent_id,
        actionId: row.action_id,
        kind: 'rule_made',
        data: asciiJson({
          rule_id: rule.rule_id,
          by: rule.created_by,
          rule: rule.description,
          expires_at: rule.expires_at,
          ...this.#masked(row, told),
        }),
      })
    })
  }

  /** Rules in force for this agent and workflow. */
  async rulesFor(agentId: string, workflowId: string | null, now: number): Promise<ApprovalRule[]> {
    const rows = await this.#db
      .selectFrom('approval_rules')
      .selectAll()
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now)
      .where((is) => is.or([is('agent_id', 'is', null), is('agent_id', '=', agentId)]))
      .where((is) => is.or([is('workflow_id', 'is', null), is('workflow_id', '=', workflowId)]))
      .execute()
    return rows.map(ruleOf)
  }

  /** All rules, newest first; with expired and revoked ones on request. */
  async rules(options: { readonly all: boolean; readonly now: number }): Promise<ApprovalRule[]> {
    const rows = await this.#db
      .selectFrom('approval_rules')
      .selectAll()
      .$if(!options.all, (query) =>
        query.where('revoked_at', 'is', null).where('expires_at', '>', options.now),
      )
      .orderBy('created_at', 'desc')
      .limit(1000)
      .execute()
    return rows.map(ruleOf)
  }

  countUse(ruleId: string, at: number): Promise<void> {
    return this.#commits.write(async ({ tx }) => {
      await tx
        .updateTable('approval_rules')
        .set((is) => ({ uses: is('uses', '+', 1), last_used_at: at }))
        .where('rule_id', '=', ruleId)
        .execute()
    })
  }

  /** @returns the revoked rule; null without an active rule of that id */
  revoke(ruleId: string, by: string, at: number): Promise<ApprovalRule | null> {
    return this.#commits.write(async ({ tx, tell }) => {
      const rule = await tx
        .updateTable('approval_rules')
        .set({ revoked_by: by, revoked_at: at })
        .where('rule_id', '=', ruleId)
        .where('revoked_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      if (rule === undefined) return null
      tell({
        timestamp: at,
        executionId: rule.created_from,
        agentId: rule.agent_id ?? '',
        actionId: '',
        kind: 'rule_revoked',
        data: asciiJson({ rule_id: ruleId, by }),
      })
      return ruleOf(rule)
    })
  }

  /** Text of operators, with secrets masked. */
  #masked<T extends object>(row: Voted, data: T): T {
    return this.#secrets.masker.maskDeep(data, this.#secrets.secretsOf(row.execution_id))
  }
}

function ruleOf(row: ApprovalRuleRow): ApprovalRule {
  return { ...row, shape: JSON.parse(row.shape) as unknown }
}
