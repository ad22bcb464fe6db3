import type { GroupCommit } from '../audit/group-commit.ts'

const lookedAtAtOnce = 500

/**
 * Deletes delivered results of actions that ended before a time, a few at a time, so that nothing
 * else waits long. The record of an action stays, and the audit trail with it.
 *
 * @param before milliseconds since 1970
 * @returns how many
 */
export async function putAwayResults(commits: GroupCommit, before: number): Promise<number> {
  let after = 0
  let removed = 0
  for (;;) {
    const from = after
    // lost with the power, it is done again
    const page = await commits.write(
      async ({ tx }) => {
        const rows = await tx
          .selectFrom('action_results as result')
          .innerJoin('command_executions as action', 'action.execution_id', 'result.execution_id')
          .select(['result.execution_id', 'result.published_at', 'action.finished_at'])
          .where('result.execution_id', '>', from)
          .orderBy('result.execution_id')
          .limit(lookedAtAtOnce)
          .execute()
        const old = rows.filter(
          (row) => row.published_at !== null && (row.finished_at ?? Infinity) < before,
        )
        const ids = old.map((row) => row.execution_id)
        if (ids.length > 0) {
          await tx.deleteFrom('action_results').where('execution_id', 'in', ids).execute()
        }
        return { last: rows.at(-1)?.execution_id, removed: ids.length }
      },
      { isDurable: false },
    )
    removed += page.removed
    // actions end roughly in the order of their requests
    if (page.last === undefined || page.removed === 0) return removed
    after = page.last
  }
}
