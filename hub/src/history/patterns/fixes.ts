import type { Tx } from '../store/dialect/dialect.ts'
import { failureSignature } from '../command-form.ts'
import type { CommandExecution, IndexedExecution } from '../store/schema.ts'

/** Maximal distance between a failure and the success that ends it, in actions. */
const lookBack = 12
const longestFix = 5

/**
 * Learns fixes: when a command succeeds that failed shortly before in the same workflow, the
 * successful commands in between are taken for the fix.
 */
export async function noteFixes(
  tx: Tx,
  row: CommandExecution,
  indexed: IndexedExecution,
): Promise<void> {
  const { workflow_id: workflowId, form_id: formId } = indexed
  if (indexed.success !== 1 || workflowId === null) return
  const before = await tx
    .selectFrom('execution_index')
    .select(['execution_id', 'form_id', 'success', 'settled'])
    .where('workflow_id', '=', workflowId)
    .where('execution_id', '<', row.execution_id)
    .orderBy('execution_id', 'desc')
    .limit(lookBack)
    .execute()
  const at = before.findIndex((one) => one.form_id === formId && one.settled === 1)
  const failed = before[at]
  if (failed === undefined || failed.success !== 0) return
  const between = before
    .slice(0, at)
    .toReversed()
    .filter((one) => one.success === 1 && one.form_id !== formId)
  const forms = await tx
    .selectFrom('command_forms')
    .select(['form_id', 'form', 'category'])
    .where('form_id', 'in', [0, ...between.map((one) => one.form_id)])
    .execute()
  const known = new Map(forms.map((one) => [one.form_id, one]))
  const fix = between
    .map((one) => known.get(one.form_id))
    // read-only commands fix nothing
    .filter((one) => one !== undefined && one.category !== 'inspection')
    .map((one) => one?.form ?? '')
    .slice(-longestFix)
  if (fix.length === 0) return
  const failure = await tx
    .selectFrom('command_executions')
    .select(['error_category', 'exit_code', 'stderr_preview'])
    .where('execution_id', '=', failed.execution_id)
    .executeTakeFirst()
  if (failure === undefined) return
  const { error_category: category, exit_code: exitCode, stderr_preview: stderr } = failure
  await tx
    .insertInto('failure_fixes')
    .values({
      form_id: formId,
      signature: failureSignature(category, exitCode, stderr),
      fix: JSON.stringify(fix),
      times: 1,
      last_execution_id: row.execution_id,
    })
    .onConflict((conflict) =>
      conflict.columns(['form_id', 'signature', 'fix']).doUpdateSet((is) => ({
        times: is('failure_fixes.times', '+', 1),
        last_execution_id: row.execution_id,
      })),
    )
    .execute()
}
