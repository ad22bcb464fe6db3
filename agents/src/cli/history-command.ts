import { CentralPostError, type HistoryEntry } from '@centralpost/shared'
import type { Command } from 'commander'
import type { HistoryQuery, Operator } from '../operator/operator.ts'
import { visible, visibleCommand } from '../visible.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { exitCodes } from './exit-codes.ts'
import { count, levelOption } from './option-values.ts'
import { withProgress } from './progress.ts'
import { duration, passOn, print, printJson, table } from './terminal.ts'

interface Options extends OperatorOptions {
  readonly limit: number
  readonly agent?: string
  readonly workflow?: string
  readonly level?: NonNullable<HistoryQuery['trust_level']>
  readonly status?: NonNullable<HistoryQuery['status']>
  readonly before?: number
}

export function addHistoryCommand(program: Command): void {
  const history = withFilters(
    program
      .command('history')
      .description('what was asked for and what became of it, newest first'),
  )
  history.action((options: Options) => withOperator(options, (operator) => list(operator, options)))

  withFilters(
    history
      .command('search')
      .description('find words in commands, contexts and output')
      .argument('<words...>'),
  ).action((words: readonly string[], options: Options) =>
    withOperator(options, (operator) => list(operator, options, words.join(' '))),
  )
  withOperatorOptions(
    history
      .command('show')
      .description('one action: what was asked, and how it ended')
      .argument('<id>', 'an action id')
      .option('--agent <agent>', 'whose action, where two agents used the same id'),
  ).action((actionId: string, options: OperatorOptions & { agent?: string }) =>
    withOperator(options, (operator) => showEntry(operator, actionId, options)),
  )
  withOperatorOptions(
    history
      .command('stats')
      .description('counts and durations, of everything or of one command')
      .argument('[command...]', 'the whole command as `history` shows it; put -- before it'),
  ).action((words: readonly string[], options: OperatorOptions) =>
    withOperator(options, (operator) => stats(operator, words.join(' '), options)),
  )
  withOperatorOptions(
    history
      .command('verify')
      .description('recompute the audit chain; exit code 1 when it is broken'),
  ).action((options: OperatorOptions) =>
    withOperator(options, (operator) => verify(operator, options)),
  )
}

function withFilters(command: Command): Command {
  return withOperatorOptions(
    command
      .option('--limit <count>', 'how many', count, 20)
      .option('--before <execution>', 'only older than this execution', count)
      .option('--agent <agent>', 'only of this agent')
      .option('--workflow <id>', 'only of this workflow')
      .addOption(levelOption())
      .option('--status <status>', 'only in this state, such as completed or denied'),
  )
}

async function list(operator: Operator, options: Options, query?: string): Promise<void> {
  const { entries, next } = await operator.history({
    limit: options.limit,
    ...(query !== undefined && { query }),
    ...(options.before !== undefined && { before: options.before }),
    ...(options.agent !== undefined && { agent_id: options.agent }),
    ...(options.workflow !== undefined && { workflow_id: options.workflow }),
    ...(options.level !== undefined && { trust_level: options.level }),
    ...(options.status !== undefined && { status: options.status }),
  })
  if (options.json) {
    printJson({ entries, next })
    return
  }
  if (entries.length === 0) {
    print(query === undefined ? 'nothing is recorded' : 'nothing that was recorded fits')
    return
  }
  const heads = ['NO', 'ASKED AT', 'ACTION', 'AGENT', 'TRUST', 'STATUS', 'EXIT', 'TOOK', 'COMMAND']
  for (const line of table(heads, entries.map(row))) print(line)
  if (next !== null) print(`older ones: --before ${next}`)
}

function row(entry: HistoryEntry): string[] {
  return [
    String(entry.execution_id),
    entry.requested_at.slice(0, 19).replace('T', ' '),
    entry.action_id,
    entry.agent_id,
    entry.trust_level ?? '-',
    entry.status,
    entry.exit_code === null ? '-' : String(entry.exit_code),
    entry.duration === null ? '-' : duration(entry.duration),
    visibleCommand(entry.command),
  ]
}

async function showEntry(
  operator: Operator,
  actionId: string,
  options: OperatorOptions & { agent?: string },
): Promise<void> {
  const { entries } = await operator.history({
    action_id: actionId,
    ...(options.agent !== undefined && { agent_id: options.agent }),
  })
  if (entries.length === 0) {
    throw new CentralPostError('not_found', `no action "${visible(actionId)}" is recorded`)
  }
  if (options.json) {
    printJson(entries.length === 1 ? entries[0] : entries)
    return
  }
  for (const { stdout_preview: stdout, stderr_preview: stderr, ...fields } of entries) {
    for (const [name, value] of Object.entries(fields)) {
      const text = name === 'command' ? visibleCommand(String(value)) : visible(String(value))
      if (value !== null) print(`${name.padEnd(15)} ${text}`)
    }
    for (const [name, text] of Object.entries({ stdout, stderr })) {
      if (text === null || text === '') continue
      print(`${name} (its beginning):`)
      passOn('stdout', text.endsWith('\n') ? text : `${text}\n`)
    }
  }
}

async function stats(operator: Operator, command: string, options: OperatorOptions): Promise<void> {
  const numbers = await operator.stats(command === '' ? undefined : command)
  if (options.json) {
    printJson(numbers)
    return
  }
  if (numbers.total_executions === 0) {
    print(command === '' ? 'nothing is recorded' : `nothing is recorded of: ${visible(command)}`)
    return
  }
  for (const [name, value] of Object.entries(numbers)) {
    if (value === null) continue
    const text =
      typeof value === 'object'
        ? Object.entries(value)
            .map(([key, number]) => `${key} ${number}`)
            .join(', ')
        : String(value)
    print(`${name.padEnd(16)} ${visible(text)}`)
  }
}

async function verify(operator: Operator, options: OperatorOptions): Promise<void> {
  const chain = await withProgress('recomputing the audit chain', () => operator.verify())
  if (options.json) printJson(chain)
  else if (chain.intact && chain.head === null)
    print('nothing is recorded: the audit chain is empty')
  else if (chain.intact)
    print(`the audit chain is intact: ${chain.events} events, head ${chain.head}`)
  else
    print(`the audit chain is BROKEN at event ${chain.first_bad}: ${visible(chain.problem ?? '')}`)
  if (!chain.intact) process.exitCode = exitCodes.failed
}
