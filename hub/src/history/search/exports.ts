import type { HistoryEntry } from '@centralpost/shared'
import type { Store } from '../store/dialect/dialect.ts'
import { toEntry } from './entries.ts'
import { type ExecutionFilter, filtered } from './history-filter.ts'
import { searchQuery } from '../store/search-query.ts'
import { finderOf } from './highlight.ts'

export interface ExportQuery extends ExecutionFilter {
  readonly format: 'jsonl' | 'csv'
  /** only executions younger than this one */
  readonly after: number
  readonly limit: number
  /** of the text, in bytes of UTF-8 */
  readonly mostBytes: number
}

export interface ExportPage {
  readonly text: string
  readonly count: number
  readonly next: number | null
}

const columns = [
  'execution_id',
  'requested_at',
  'finished_at',
  'action_id',
  'agent_id',
  'agent_type',
  'workflow_id',
  'trust_level',
  'status',
  'approved_by',
  'exit_code',
  'error_category',
  'duration',
  'cwd',
  'command',
  'context',
  'reason',
  'stdout_preview',
  'stderr_preview',
] as const satisfies readonly (keyof HistoryEntry)[]

/** One page of executions, oldest first, as lines of text. Secrets stay masked, as stored. */
export async function exportPage({ db }: Store, asked: ExportQuery): Promise<ExportPage> {
  const words = asked.query === undefined ? undefined : searchQuery(`${asked.query} `)
  if (words === null) return { text: '', count: 0, next: null }
  const patterns = words === undefined ? [] : finderOf(words).patterns
  const rows = await filtered(db, asked)
    .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
    .selectAll('e')
    .where('i.execution_id', '>', asked.after)
    .orderBy('i.execution_id')
    .limit(asked.limit)
    .execute()
  let text = asked.format === 'csv' && asked.after === 0 ? csvLine(columns) : ''
  let bytes = Buffer.byteLength(text)
  let count = 0
  for (const [index, row] of rows.entries()) {
    const fields = [row.command, row.context, row.stdout_preview, row.stderr_preview].join('\n')
    if (!patterns.every(({ pattern }) => pattern.test(fields))) continue
    const entry = toEntry(row)
    const line =
      asked.format === 'csv'
        ? csvLine(columns.map((name) => entry[name]))
        : `${JSON.stringify(entry)}\n`
    bytes += Buffer.byteLength(line)
    if (count > 0 && bytes > asked.mostBytes) {
      return { text, count, next: rows[index - 1]?.execution_id ?? asked.after }
    }
    text += line
    count += 1
  }
  const last = rows.at(-1)
  const isLast = last === undefined || rows.length < asked.limit
  return { text, count, next: isLast ? null : last.execution_id }
}

/** RFC 4180; probable spreadsheet formulas get a leading apostrophe. */
function csvLine(values: readonly (string | number | null)[]): string {
  return `${values.map(csvField).join(',')}\r\n`
}

function csvField(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
