import { once } from 'node:events'
import {
  type AuditEvent,
  exportFormats,
  highlightEnd,
  highlightStart,
  type HistoryEntry,
  visibleCommand,
  visible,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import { auditFacts } from '../operator/audit-facts.ts'
import { commentsIn } from '../operator/decision-comments.ts'
import type { Operator } from '../operator/operator.ts'
import { addAuditCommands } from './audit-commands.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { commandBehind } from './describe-pending.ts'
import { type FilterOptions, filtersOf, moment, withFilters } from './history-filters.ts'
import { count } from './option-values.ts'
import { addCommandLists } from './patterns-command.ts'
import { type Advance, withProgress } from '../terminal/progress.ts'
import { duration, passOn, print, printJson, styled, table, timeOf } from '../terminal/terminal.ts'

interface Options extends FilterOptions {
  readonly limit: number
  readonly before?: number
  readonly cursor?: string
  readonly order?: 'newest' | 'best'
}

const exportDetails = `
Files and pipes get the text of agents as recorded: JSON escapes control characters, CSV does not (spreadsheet
formulas are quoted). On a terminal, control characters are spelled out.`

export function addHistoryCommand(program: Command): void {
  const history = withPages(
    program.command('history').description('past requests and their outcomes, newest first'),
  )
  history.action((options: Options) => withOperator(options, (operator) => list(operator, options)))

  withPages(
    history
      .command('search')
      .description(
        'find words, "phrases", prefix*, flags and file names in commands, contexts and output',
      )
      .argument('<words...>')
      .option('--best', 'best match first among the newest hits, instead of newest first')
      .option('--cursor <cursor>', 'the page after the one that printed this cursor'),
  ).action((words: readonly string[], options: Options & { best?: boolean }) =>
    withOperator(options, (operator) =>
      list(operator, { ...options, order: options.best ? 'best' : 'newest' }, words.join(' ')),
    ),
  )
  withOperatorOptions(
    history
      .command('show')
      .description('one action: the request and its outcome')
      .argument('<id>', 'an action id')
      .option('--agent <agent>', 'whose action, where two agents used the same id'),
  ).action((actionId: string, options: OperatorOptions & { agent?: string }) =>
    withOperator(options, (operator) => showEntry(operator, actionId, options)),
  )
  withOperatorOptions(
    history
      .command('stats')
      .description('counts and durations, overall or of one command')
      .argument('[command...]', 'the whole command as `history` shows it; put -- before it'),
  ).action((words: readonly string[], options: OperatorOptions) =>
    withOperator(options, (operator) => stats(operator, words.join(' '), options)),
  )
  withOperatorOptions(
    history
      .command('violations')
      .description('Python and pip that ran outside a virtual environment')
      .option('--limit <count>', 'how many', count, 20)
      .option('--since <time>', 'only since then', moment),
  ).action((options: OperatorOptions & { limit: number; since?: string }) =>
    withOperator(options, (operator) => violations(operator, options)),
  )
  withFilters(
    history
      .command('export')
      .description('print executions as lines, oldest first')
      .argument('[words...]', 'only those with these words')
      .addOption(
        new Option('--format <format>', 'format of the lines')
          .choices(exportFormats)
          .default('jsonl'),
      )
      .addHelpText('after', exportDetails),
  ).action((words: readonly string[], options: FilterOptions & { format: 'jsonl' | 'csv' }) =>
    withOperator(options, (operator) => exportAll(operator, words.join(' '), options)),
  )
  addCommandLists(history)
  addAuditCommands(history)
}

function withPages(command: Command): Command {
  return withFilters(
    command
      .option('--limit <count>', 'how many', count, 20)
      .option('--before <execution>', 'only older than this execution', count),
  )
}

async function list(operator: Operator, options: Options, query?: string): Promise<void> {
  const {
    entries,
    next,
    next_cursor: cursor,
  } = await operator.history({
    limit: options.limit,
    ...filtersOf(options),
    ...(query !== undefined && { query }),
    ...(options.before !== undefined && { before: options.before }),
    ...(options.cursor !== undefined && { cursor: options.cursor }),
    ...(options.order !== undefined && { order: options.order }),
  })
  if (options.json) {
    printJson({ entries, next, next_cursor: cursor })
    return
  }
  if (entries.length === 0) {
    print(query === undefined ? 'nothing is recorded' : 'no recorded execution matches')
    return
  }
  const heads = ['NO', 'ASKED AT', 'ACTION', 'AGENT', 'TRUST', 'STATUS', 'EXIT', 'TOOK', 'COMMAND']
  for (const line of table(heads, entries.map(row))) print(line)
  if (next !== null) print(`older ones: --before ${next}`)
  else if (cursor !== null) print(`more: --cursor ${cursor}`)
}

function row(entry: HistoryEntry): string[] {
  return [
    String(entry.execution_id),
    timeOf(entry.requested_at),
    entry.action_id,
    entry.agent_id,
    entry.trust_level ?? '-',
    entry.status,
    entry.exit_code === null ? '-' : String(entry.exit_code),
    entry.duration === null ? '-' : duration(entry.duration),
    typeof entry.snippet === 'string' ? marked(entry.snippet) : visibleCommand(entry.command),
  ]
}

/** A search snippet on one line, with its hits in bold on a terminal. */
function marked(snippet: string): string {
  return snippet
    .split(highlightStart)
    .map((part, index) => {
      const [hit = '', ...rest] = index === 0 ? ['', part] : part.split(highlightEnd)
      return `${hit === '' ? '' : styled('bold', visibleCommand(hit))}${visibleCommand(rest.join(''))}`
    })
    .join('')
}

async function violations(
  operator: Operator,
  options: OperatorOptions & { limit: number; since?: string },
): Promise<void> {
  const found = await operator.violations({
    limit: options.limit,
    ...(options.since !== undefined && { since: options.since }),
  })
  if (options.json) {
    printJson(found)
    return
  }
  if (found.length === 0) {
    print('no Python or pip ran outside a virtual environment')
    return
  }
  const rows = found.map((one) => [
    String(one.count),
    timeOf(one.last_execution),
    one.agents.slice(0, 3).join(' '),
    visibleCommand(one.command),
  ])
  for (const line of table(['TIMES', 'LAST', 'AGENTS', 'COMMAND'], rows)) print(line)
}

async function exportAll(
  operator: Operator,
  words: string,
  options: FilterOptions & { format: 'jsonl' | 'csv' },
): Promise<void> {
  const query = { ...filtersOf(options), ...(words !== '' && { query: words }) }
  const pages = operator.export({ ...query, format: options.format })
  // output on the same terminal already shows progress
  if (process.stdout.isTTY) await writeOut(pages, () => {})
  else await withProgress('exporting', (advance) => writeOut(pages, advance))
}

async function writeOut(pages: AsyncIterable<string>, advance: Advance): Promise<void> {
  let bytes = 0
  for await (const text of pages) {
    // a slow reader slows the hub's answers down; a file or a program gets the text of agents
    // unescaped
    const shown = process.stdout.isTTY ? visible(text, { lines: true }) : text
    if (!process.stdout.write(shown)) await once(process.stdout, 'drain')
    bytes += Buffer.byteLength(text)
    advance(`${(bytes / 1e6).toFixed(1)} MB`)
  }
}

async function showEntry(
  operator: Operator,
  actionId: string,
  options: OperatorOptions & { agent?: string },
): Promise<void> {
  const { execution, events, events_cut: isCut } = await operator.action(actionId, options.agent)
  if (options.json) {
    printJson({ ...execution, events })
    return
  }
  const { stdout_preview: stdout, stderr_preview: stderr, ...fields } = execution
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === false || isEmpty(value)) continue
    if (name === 'command') for (const line of commandBehind(execution.command, 15)) print(line)
    else print(`${name.replaceAll('_', ' ').padEnd(15)} ${visible(readable(name, value))}`)
  }
  for (const [name, text] of Object.entries({ stdout, stderr })) {
    if (text === null || text === '') continue
    print(`${name} (beginning):`)
    passOn('stdout', text.endsWith('\n') ? text : `${text}\n`)
  }
  for (const { by, text } of commentsIn(events)) {
    print(`${'comment'.padEnd(15)} ${visible(by)}: ${visible(text)}`)
  }
  print('audit trail:')
  for (const event of events) {
    print(`${event.at}  ${event.kind.padEnd(11)} ${factsOf(event)}`)
  }
  if (isCut) print('… and more events')
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** A value of an answer in words; --json prints it unchanged. */
function readable(name: string, value: unknown): string {
  if (typeof value === 'string') return name === 'last_execution' ? timeOf(value) : value
  if (typeof value !== 'number') return JSON.stringify(value)
  if (/^(?:avg_|min_|max_)?duration$|^timeout$/.test(name)) return duration(value)
  return name === 'success_rate' ? `${Math.round(value * 100)} %` : String(value)
}

function factsOf(event: AuditEvent): string {
  const facts = auditFacts(event, (iso) => iso)
  return facts.map(([name, text]) => `${visible(name)}: ${visible(text)}`).join('; ')
}

async function stats(operator: Operator, command: string, options: OperatorOptions): Promise<void> {
  const numbers = await operator.stats(command === '' ? undefined : command)
  if (options.json) {
    printJson(numbers)
    return
  }
  if (numbers.total_executions === 0) {
    print(command === '' ? 'nothing is recorded' : `nothing is recorded for: ${visible(command)}`)
    return
  }
  const { similar, ...own } = numbers
  for (const [name, value] of Object.entries(own)) {
    if (value === null) continue
    const text =
      typeof value === 'object'
        ? Object.entries(value)
            .map(([key, number]) => `${key} ${number}`)
            .join(', ')
        : readable(name, value)
    print(`${name.replaceAll('_', ' ').padEnd(16)} ${visible(text)}`)
  }
  if (similar === null) return
  const rate =
    similar.success_rate === null ? '' : `, ${Math.round(similar.success_rate * 100)} % succeeded`
  print(`all of that form  ${similar.total_executions}${rate}, ${similar.denied} denied`)
  for (const run of similar.recent) {
    const took = run.duration === null ? '' : duration(run.duration)
    print(
      `  ${timeOf(run.requested_at)}  ${run.status.padEnd(11)} ${took.padEnd(8)} ${visibleCommand(run.command)}`,
    )
  }
}
