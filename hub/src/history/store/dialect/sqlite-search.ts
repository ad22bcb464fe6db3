import { sql } from 'kysely'
import { type SearchQuery, sqliteMatch } from '../search-query.ts'
import type { SearchText } from '../search-words.ts'
import type { Database, Tx } from './dialect.ts'

/**
 * Executions per word index. FTS5 collects all hits of a word prefix before it returns the first
 * (sqlite.org/fts5.html, 4.2), and every word being typed is one. The size of a part thus bounds
 * the cost of a search, whatever the size of the history. A word without hits costs a lookup in
 * each part.
 */
const executionsOfPart = 100_000

/** The ids of the newest executions that contain the words, newest first. */
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

/** Indexes the words of an execution, replacing earlier ones. */
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

/** The parts that may hold an execution older than `before`, newest first. */
async function newestParts(db: Database, before: number): Promise<number[]> {
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_master where type = 'table' and name glob ${`${prefix}[0-9]*`}`.execute(
    db,
  )
  // tables with a suffix behind the number are internal to FTS5
  return rows
    .map(({ name }) => Number(name.slice(prefix.length)))
    .filter((part) => Number.isInteger(part) && part * executionsOfPart < before)
    .toSorted((a, b) => b - a)
}

const prefix = 'command_fts_'

function tableOf(part: number) {
  return sql.raw(`${prefix}${part}`)
}
