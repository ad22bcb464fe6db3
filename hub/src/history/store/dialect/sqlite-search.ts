import { sql } from 'kysely'
import { type SearchQuery, sqliteMatch } from '../search-query.ts'
import type { SearchText } from '../search-words.ts'
import type { Database, Tx } from './dialect.ts'

/**
 * So many executions have an index of words of their own. FTS5 puts together all hits of the beginning of a word before
 * it gives out the first (sqlite.org/fts5.html, 4.2), and every word that is being typed is one: what a search costs is
 * bounded by the size of a part, whatever the size of the history. A word that is nowhere costs a look into each part.
 */
const executionsOfPart = 100_000

/** The newest executions that have the words, newest first, as ids. */
export async function newestHits(
  db: Database,
  query: SearchQuery,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<number[]> {
  const match = sqliteMatch(query)
  const found: number[] = []
  for (const part of await newestParts(db, before)) {
    const { rows } = await sql<{ id: number }>`
      select rowid as id from ${tableOf(part)} where ${tableOf(part)} match ${match}
      and rowid < ${before} order by rowid desc limit ${limit - found.length}`.execute(db)
    found.push(...rows.map((row) => row.id))
    if (found.length >= limit) break
  }
  return found
}

/** Makes an execution findable by its words, in place of what it was findable by. */
export async function putSearchText(tx: Tx, id: number, text: SearchText): Promise<void> {
  const table = tableOf(Math.floor(id / executionsOfPart))
  const put = sql`insert or replace into ${table} (rowid, command, context, stdout_preview, stderr_preview)
    values (${id}, ${text.command}, ${text.context}, ${text.stdout}, ${text.stderr})`
  try {
    await put.execute(tx)
  } catch (error) {
    if (!Error.isError(error) || !error.message.startsWith('no such table')) throw error
    await sql`create virtual table ${table} using fts5 (
      command, context, stdout_preview, stderr_preview,
      content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0", prefix='2 3'
    )`.execute(tx)
    await put.execute(tx)
  }
}

/** Those that may hold an execution older than `before`, newest first. */
async function newestParts(db: Database, before: number): Promise<number[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name glob ${`${prefix}[0-9]*`}`.execute(
    db,
  )
  // what stands behind the number is a table that FTS5 keeps for itself
  return rows
    .map(({ name }) => Number(name.slice(prefix.length)))
    .filter((part) => Number.isInteger(part) && part * executionsOfPart < before)
    .toSorted((a, b) => b - a)
}

const prefix = 'command_fts_'

function tableOf(part: number) {
  return sql.raw(`${prefix}${part}`)
}
