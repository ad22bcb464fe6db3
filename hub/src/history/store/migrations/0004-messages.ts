import { type Kysely, sql } from 'kysely'

/** The message from which an action was taken in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(`alter table command_executions add column message_id text`).execute(db)
}
