import { type Kysely, sql } from 'kysely'

/** Which message an action was taken in from. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(`alter table command_executions add column message_id text`).execute(db)
}
