import { sql } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import { type Execution, executionOf } from '../store/execution.ts'

/** Repeated approvals by persons without a denial, with their executions, newest first. */
export interface Approved {
  readonly form: string
  readonly agentId: string
  readonly workflowId: string | null
  readonly approvals: number
  readonly approvedBy: readonly string[]
  readonly successful: number
  readonly failed: number
  /** milliseconds until approval */
  readonly avgWait: number | null
  readonly support: readonly Execution[]
}

const shownSupport = 20

/**
 * Repeated approvals by persons, by agent, workflow and normalised command. Only counts: the
 * approval desk decides whether a rule is possible, and an operator whether it is made.
 */
export async function repeatedApprovals(
  db: Database,
  asked: { readonly least: number; readonly since: number; readonly limit: number },
): Promise<Approved[]> {
  const groups = await db
    .selectFrom('execution_index as i')
    .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
    .select(['i.form_id', 'f.form', 'i.agent_id', 'i.workflow_id'])
    .select((get) => [
      get.fn.countAll<number>().as('approvals'),
      sql<number>`coalesce(sum(i.success), 0)`.as('successful'),
      get.fn.count<number>('i.duration').as('timed'),
      get.fn.avg<number | null>('i.waited').as('wait'),
    ])
    .where('i.approver', '=', 1)
    .where('i.timestamp', '>=', asked.since)
    .groupBy(['i.form_id', 'f.form', 'i.agent_id', 'i.workflow_id'])
    .having((get) => get.fn.countAll(), '>=', asked.least)
    .orderBy('approvals', 'desc')
    .limit(asked.limit * 5)
    .execute()
  const found: Approved[] = []
  for (const group of groups) {
    if (found.length >= asked.limit) break
    const denied = await db
      .selectFrom('execution_index as i')
      .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
      .select('i.execution_id')
      .where('i.form_id', '=', group.form_id)
      .where('i.agent_id', '=', group.agent_id)
      .where('i.timestamp', '>=', asked.since)
      .where('i.status', '=', 'denied')
      .where('e.decided_by', '!=', 'policy')
      .limit(1)
      .executeTakeFirst()
    if (denied !== undefined) continue
    const support = await db
      .selectFrom('execution_index as i')
      .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
      .selectAll('e')
      .where('i.form_id', '=', group.form_id)
      .where('i.agent_id', '=', group.agent_id)
      .where('i.workflow_id', 'is not distinct from', group.workflow_id)
      .where('i.approver', '=', 1)
      .where('i.timestamp', '>=', asked.since)
      .orderBy('i.execution_id', 'desc')
      .limit(shownSupport)
      .execute()
    found.push({
      form: group.form,
      agentId: group.agent_id,
      workflowId: group.workflow_id,
      approvals: group.approvals,
      approvedBy: [...new Set(support.map((row) => row.approved_by ?? ''))],
      successful: group.successful,
      failed: group.timed - group.successful,
      avgWait: group.wait,
      support: support.map(executionOf),
    })
  }
  return found
}
