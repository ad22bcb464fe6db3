import { CentralPostError, type HistoryEntry } from '@centralpost/shared'
import type { Store } from '../store/dialect/dialect.ts'
import type { CommandExecution } from '../store/schema.ts'
import { toEntry } from './entries.ts'
import { finderOf, scoreOf, snippetOf } from './highlight.ts'
import { type ExecutionFilter, filtered } from './history-filter.ts'
import { type SearchQuery, searchQuery } from '../store/search-query.ts'

export interface HistoryQuery extends ExecutionFilter {
  readonly order?: 'newest' | 'best' | undefined
  /** only executions older than this one */
  readonly before?: number | undefined
  /** `nextCursor` of the previous page */
  readonly cursor?: string | undefined
  readonly limit: number
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[]
  /** pass as `before` for the next page */
  readonly next: number | null
  readonly nextCursor: string | null
}

/**
 * How many of a search's newest hits are tested against the other filters, in chunks of this size.
 */
const mostHits = 20_000
const hitsAtOnce = 1000
/** How many of the newest matches are ranked: a common word has endless hits. */
const ranked = 200

/**
 * Matching executions, newest first; a search can rank the newest matches best first.
 *
 * @throws {CentralPostError} `invalid_request` for an invalid cursor
 */
export async function searchHistory(store: Store, asked: HistoryQuery): Promise<HistoryPage> {
  const typed = asked.query?.trim() ?? ''
  const query = typed === '' ? undefined : searchQuery(asked.query ?? '')
  if (query === null) return { entries: [], next: null, nextCursor: null }
  const cursor = readCursor(asked.cursor)
  const before = Math.min(
    cursor?.before ?? Number.MAX_SAFE_INTEGER,
    asked.before ?? Number.MAX_SAFE_INTEGER,
  )
  if (query !== undefined && asked.order === 'best') {
    return bestOf(store, query, asked, before, cursor?.skip ?? 0)
  }
  const ids =
    query === undefined
      ? await newest(store, asked, before, asked.limit + 1)
      : await hits(store, query, asked, before, asked.limit + 1)
  const rows = await rowsOf(store, ids.slice(0, asked.limit))
  const finder = query && finderOf(query)
  const last = ids.length > asked.limit ? (ids[asked.limit - 1] ?? null) : null
  return {
    entries: rows.map((row) => ({
      ...toEntry(row),
      ...(finder && { snippet: snippetOf(row, finder) }),
    })),
    next: last,
    nextCursor: last === null ? null : writeCursor({ before: last, skip: 0 }),
  }
}

async function bestOf(
  store: Store,
  query: SearchQuery,
  asked: HistoryQuery,
  before: number,
  skip: number,
): Promise<HistoryPage> {
  const ids = await hits(store, query, asked, before, ranked)
  const finder = finderOf(query)
  const rows = (await rowsOf(store, ids)).map((row) => ({ row, score: scoreOf(row, finder) }))
  rows.sort((a, b) => b.score - a.score || b.row.execution_id - a.row.execution_id)
  const page = rows.slice(skip, skip + asked.limit)
  // later pages rank the same hits: executions recorded meanwhile are excluded
  const top = Math.min(before, (ids[0] ?? 0) + 1)
  const isLast = skip + asked.limit >= rows.length
  return {
    entries: page.map(({ row }) => ({ ...toEntry(row), snippet: snippetOf(row, finder) })),
    next: null,
    nextCursor: isLast ? null : writeCursor({ before: top, skip: skip + asked.limit }),
  }
}

async function newest(
  { db }: Store,
  filter: ExecutionFilter,
  before: number,
  limit: number,
): Promise<number[]> {
  const rows = await filtered(db, filter)
    .select('i.execution_id')
    .where('i.execution_id', '<', before)
    .orderBy('i.execution_id', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => row.execution_id)
}

/** The newest hits of a search that also match the other filters. */
async function hits(
  { db, dialect }: Store,
  query: SearchQuery,
  filter: ExecutionFilter,
  before: number,
  limit: number,
): Promise<number[]> {
  const isPlain = !Object.entries(filter).some(
    ([name, value]) =>
      value !== undefined && !['query', 'order', 'before', 'cursor', 'limit'].includes(name),
  )
  if (isPlain) return dialect.newestHits(db, query, { before, limit })
  const fitting: number[] = []
  let below = before
  for (let seen = 0; seen < mostHits && fitting.length < limit; seen += hitsAtOnce) {
    const found = await dialect.newestHits(db, query, { before: below, limit: hitsAtOnce })
    if (found.length === 0) break
    const rows = await filtered(db, filter)
      .select('i.execution_id')
      .where('i.execution_id', 'in', found)
      .orderBy('i.execution_id', 'desc')
      .execute()
    fitting.push(...rows.map((row) => row.execution_id))
    if (found.length < hitsAtOnce) break
    below = found.at(-1) ?? 0
  }
  return fitting.slice(0, limit)
}

async function rowsOf({ db }: Store, ids: readonly number[]): Promise<CommandExecution[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('command_executions')
    .selectAll()
    .where('execution_id', 'in', ids)
    .orderBy('execution_id', 'desc')
    .execute()
}

interface Cursor {
  readonly before: number
  readonly skip: number
}

function writeCursor(cursor: Cursor): string {
  return `${cursor.before.toString(36)}.${cursor.skip.toString(36)}`
}

function readCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined
  const [before, skip] = text.split('.').map((part) => Number.parseInt(part, 36))
  if (/^[0-9a-z]{1,11}\.[0-9a-z]{1,6}$/.test(text) && before !== undefined && skip !== undefined) {
    return { before, skip }
  }
  throw new CentralPostError(
    'invalid_request',
    `cursor: "${text}" is not the next_cursor of a page`,
  )
}
