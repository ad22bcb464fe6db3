import {
  type AlwaysDecision,
  type AlwaysScope,
  CentralPostError,
  type Logger,
  newActionId,
} from '@centralpost/shared'
import type { ApprovalStore, ApprovalRule } from '../history/ledger/approval-store.ts'
import type { Execution } from '../history/store/execution.ts'
import { alwaysRuleOf } from './always-rule-message.ts'
import { defaultScope, holderOf } from './rule-scope.ts'
import {
  changedSince,
  coversForm,
  describeRule,
  readShape,
  ruleFor,
  type RuleShape,
} from './always-rule.ts'
import { type JudgeCommand, type RuleSubject, subjectOf } from './rule-subject.ts'
import type { Announcer } from '../action/announcer.ts'

/** An approval that also makes a rule. */
export interface Always {
  readonly decision: AlwaysDecision
  /** absent: its agent in the action's workflow, or its agent where it has none */
  readonly scope?: AlwaysScope | undefined
  readonly expiresInMs?: number | undefined
}

export interface RuleBookParts {
  readonly approvals: ApprovalStore
  readonly announce: Pick<Announcer, 'ruleChanged'>
  readonly judge: JudgeCommand
  readonly limits: { readonly ruleMs: number; readonly maxRuleMs: number }
  readonly now: () => number
  readonly log: Logger
}

/** The rule that clears an action, or none. */
export interface FoundRule {
  readonly rule: ApprovalRule | null
  /** why a rule made for it is void */
  readonly because: string | null
}

/**
 * The always rules: made by an approval, scoped, expiring, counted, revocable. Each creation and
 * revocation is announced to operators.
 */
export class RuleBook {
  readonly #parts: RuleBookParts

  constructor(parts: RuleBookParts) {
    this.#parts = parts
  }

  /** The rule that clears an action; or the reason why a rule made for it is void. */
  async find(agentId: string, workflowId: string | null, subject: RuleSubject): Promise<FoundRule> {
    const rules = await this.#parts.approvals.rulesFor(agentId, workflowId, this.#parts.now())
    let because: string | null = null
    for (const rule of rules) {
      const shape = readShape(rule)
      if (!coversForm(shape, subject)) continue
      const changed = changedSince(shape, subject)
      if (changed === null) return { rule, because: null }
      because ??= `the always rule ${rule.rule_id} is void: ${changed}`
    }
    return { rule: null, because }
  }

  /** The one rule that clears all of these, or null. */
  async findForAll(rows: readonly Execution[]): Promise<ApprovalRule | null> {
    const [first] = rows
    if (first === undefined) return null
    const { approvals, judge, now } = this.#parts
    const rules = await approvals.rulesFor(first.agent_id, first.workflow_id, now())
    const subjects = rows.map((row) => subjectOf(row, judge))
    const covers = (rule: ApprovalRule) =>
      subjects.every((subject) => coversForm(readShape(rule), subject))
    return rules.find(covers) ?? null
  }

  /**
   * The rule that an always decision on this action would make.
   *
   * @throws {CentralPostError} `invalid_request` with the reason when no rule is possible
   */
  shapeFor(always: Always, row: Execution): RuleShape {
    const { maxRuleMs } = this.#parts.limits
    if (always.scope === 'workflow' && row.workflow_id === null) {
      throw new CentralPostError('invalid_request', `scope: ${row.action_id} has no workflow`)
    }
    if ((always.expiresInMs ?? 0) > maxRuleMs) {
      throw new CentralPostError(
        'invalid_request',
        `expires_in: the maximal lifetime of a rule is ${maxRuleMs / 1000} s`,
      )
    }
    const made = ruleFor(always.decision, subjectOf(row, this.#parts.judge))
    if ('shape' in made) return made.shape
    throw new CentralPostError('invalid_request', `decision: ${made.refused}; approve it once`)
  }

  /** @param told additional audit data */
  async make(
    row: Execution,
    by: string,
    always: Always,
    shape: RuleShape,
    told: object = {},
  ): Promise<ApprovalRule> {
    const { announce, approvals, limits, log, now } = this.#parts
    const scope = always.scope ?? defaultScope(row)
    const rule = {
      rule_id: newActionId(),
      agent_id: scope === 'everything' ? null : row.agent_id,
      workflow_id: scope === 'workflow' ? row.workflow_id : null,
      shape,
      description: describeRule(shape, holderOf(scope, row)),
      created_by: by,
      created_from: row.execution_id,
      created_at: now(),
      expires_at: now() + (always.expiresInMs ?? limits.ruleMs),
      uses: 0,
      last_used_at: null,
      revoked_by: null,
      revoked_at: null,
    }
    await approvals.addRule(rule, row, told)
    announce.ruleChanged({ schema: 1, change: 'made', ...alwaysRuleOf(rule) })
    log.info('always rule made', { ruleId: rule.rule_id, by, rule: rule.description })
    return rule
  }

  /** Newest first; `all`: includes expired and revoked ones. */
  list(all: boolean): Promise<ApprovalRule[]> {
    return this.#parts.approvals.rules({ all, now: this.#parts.now() })
  }

  /**
   * Revokes a rule. Actions it has already cleared continue.
   *
   * @throws {CentralPostError} `not_found` without an active rule of that id
   */
  async revoke(ruleId: string, by: string): Promise<void> {
    const { announce, approvals, log, now } = this.#parts
    const rule = await approvals.revoke(ruleId, by, now())
    if (rule === null) {
      throw new CentralPostError(
        'not_found',
        `no always rule ${ruleId} is in force; see \`centralpost rules list\``,
      )
    }
    announce.ruleChanged({ schema: 1, change: 'revoked', ...alwaysRuleOf(rule) })
    log.info('always rule revoked', { ruleId, by })
  }
}
