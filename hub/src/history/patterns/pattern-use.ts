import { sql } from 'kysely'
import type { Tx } from '../store/dialect/dialect.ts'
import type { IndexedExecution } from '../store/schema.ts'

interface Followed {
  readonly patternId: number
  readonly createdAt: number
  readonly forms: readonly string[]
}

type Done = Pick<IndexedExecution, 'execution_id' | 'form_id' | 'success' | 'duration'>

/**
 * Counts uses of patterns by observed actions, never by agents' claims: the steps in order within
 * one workflow. A use succeeds when all steps succeeded, and fails when a later one failed.
 */
export class PatternUse {
  #byForm: Map<string, Followed[]> | undefined
  #longest = 1

  forget(): void {
    this.#byForm = undefined
  }

  async note(tx: Tx, row: IndexedExecution): Promise<void> {
    const byForm = (this.#byForm ??= await this.#load(tx))
    if (byForm.size === 0 || row.success === null) return
    const { form } = await tx
      .selectFrom('command_forms')
      .select('form')
      .where('form_id', '=', row.form_id)
      .executeTakeFirstOrThrow()
    const followed = byForm.get(form)?.filter((one) => one.createdAt <= row.timestamp)
    if (followed === undefined || followed.length === 0) return
    const before = await this.#before(tx, row)
    for (const one of followed) {
      const use = useOf(one.forms, form, row, before)
      if (use !== null) await recordUse(tx, { ...use, patternId: one.patternId, row })
    }
  }

  async #load(tx: Tx): Promise<Map<string, Followed[]>> {
    const rows = await tx
      .selectFrom('command_patterns')
      .select(['pattern_id', 'command_sequence', 'created_at'])
      .execute()
    const byForm = new Map<string, Followed[]>()
    for (const row of rows) {
      const forms = JSON.parse(row.command_sequence) as string[]
      this.#longest = Math.max(this.#longest, forms.length)
      for (const form of new Set(forms)) {
        const list = byForm.get(form) ?? []
        list.push({ patternId: row.pattern_id, createdAt: row.created_at, forms })
        byForm.set(form, list)
      }
    }
    return byForm
  }

  async #before(tx: Tx, row: IndexedExecution): Promise<(Done & { form: string })[]> {
    if (row.workflow_id === null || this.#longest === 1) return []
    const rows = await tx
      .selectFrom('execution_index as i')
      .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
      .select(['i.execution_id', 'i.form_id', 'i.success', 'i.duration', 'f.form'])
      .where('i.workflow_id', '=', row.workflow_id)
      .where('i.agent_id', '=', row.agent_id)
      .where('i.execution_id', '<', row.execution_id)
      .where('f.category', '!=', 'inspection')
      .orderBy('i.execution_id', 'desc')
      .limit(this.#longest - 1)
      .execute()
    return rows
  }
}

/**
 * The effect of this step on one pattern: completion, a failure on the way, or none. `before` is
 * newest first.
 */
function useOf(
  forms: readonly string[],
  form: string,
  row: Done,
  before: readonly (Done & { form: string })[],
): { readonly success: number; readonly duration: number } | null {
  const isSuccess = row.success === 1
  // only the last step completes it; a failure of the first step follows nothing yet
  const least = isSuccess ? forms.length - 1 : 1
  for (let at = forms.length - 1; at >= least; at -= 1) {
    const earlier = before.slice(0, at)
    const isFollowed =
      forms[at] === form &&
      earlier.length === at &&
      earlier.every((one, back) => one.form === forms[at - 1 - back] && one.success === 1)
    if (!isFollowed) continue
    const duration = earlier.reduce((sum, one) => sum + (one.duration ?? 0), row.duration ?? 0)
    return { success: isSuccess ? 1 : 0, duration }
  }
  return null
}

/** Adds one use and updates the pattern's numbers; each execution counts once. */
export async function recordUse(
  tx: Tx,
  use: {
    readonly patternId: number
    readonly success: number
    readonly duration: number | null
    readonly row: {
      readonly execution_id: number | null
      readonly workflow_id: string | null
      readonly agent_id: string
      readonly timestamp: number
    }
  },
): Promise<void> {
  const { row } = use
  const added = await tx
    .insertInto('command_pattern_usage')
    .values({
      pattern_id: use.patternId,
      execution_id: row.execution_id,
      workflow_id: row.workflow_id,
      agent_id: row.agent_id,
      success: use.success,
      duration: use.duration,
      timestamp: row.timestamp,
    })
    .onConflict((conflict) => conflict.columns(['pattern_id', 'execution_id']).doNothing())
    .returning('usage_id')
    .executeTakeFirst()
  if (added === undefined) return
  const numbers = tx.selectFrom('command_pattern_usage').where('pattern_id', '=', use.patternId)
  await tx
    .updateTable('command_patterns')
    .set({
      usage_count: sql`usage_count + 1`,
      success_rate: numbers.select(sql<number>`avg(success * 1.0)`.as('rate')),
      avg_duration: numbers.select(sql<number>`avg(duration * 1.0)`.as('mean')),
      updated_at: row.timestamp,
    })
    .where('pattern_id', '=', use.patternId)
    .execute()
}
