import {
  type CommandPatternStats,
  taskCategories,
  visibleCommand,
  visible,
} from '@centralpost/shared'
import { type Command, Option } from 'commander'
import type { Operator } from '../operator/operator.ts'
import { type OperatorOptions, withOperator, withOperatorOptions } from './connection.ts'
import { moment } from './history-filters.ts'
import { count } from './option-values.ts'
import { duration, print, printJson, table } from '../terminal/terminal.ts'

interface PatternOptions extends OperatorOptions {
  readonly category?: (typeof taskCategories)[number]
  readonly limit: number
  readonly mine?: boolean
}

interface CommandOptions extends OperatorOptions {
  readonly least: number
  readonly limit: number
  readonly since?: string
  readonly workflow?: string
}

/** Adds `patterns`: command sequences that worked. */
export function addPatternsCommand(program: Command): void {
  const patterns = program
    .command('patterns')
    .description('command sequences that worked, mined from the history')
    .addOption(new Option('--category <category>', 'only of this kind').choices(taskCategories))
    .option('--limit <count>', 'how many', count, 20)
    .option('--mine', 'mine the history for new patterns first')
  withOperatorOptions(patterns).action((options: PatternOptions) =>
    withOperator(options, (operator) => listPatterns(operator, options)),
  )
  const create = patterns
    .command('create')
    .description('record a sequence by hand')
    .argument('<name>')
    .argument('<commands...>', 'each command in quotes, in order')
    .addOption(
      new Option('--for <category>', 'its purpose').choices(taskCategories).default('other'),
    )
  withOperatorOptions(create).action(
    (
      name: string,
      commands: readonly string[],
      options: OperatorOptions & { for: (typeof taskCategories)[number] },
    ) =>
      withOperator(options, async (operator) => {
        const reply = await operator.patterns({
          create: {
            pattern_name: name,
            command_sequence: [...commands],
            task_category: options.for,
          },
        })
        if (options.json) printJson(reply)
        else print(`recorded ${visible(name)}`)
      }),
  )
}

/** Adds the `history` commands on normalised commands: `successes` and `failures`. */
export function addCommandLists(history: Command): void {
  for (const [name, description, list, least] of [
    ['successes', 'normalised commands that succeed, best first', 'successes', 3],
    ['failures', 'normalised commands that fail, and their remedies', 'failures', 2],
  ] as const) {
    const command = history
      .command(name)
      .description(description)
      .option('--least <count>', 'minimum number of runs (or failures)', count, least)
      .option('--limit <count>', 'how many', count, 20)
      .option('--workflow <id>', 'only of this workflow')
      .option('--since <time>', 'only since then', moment)
    withOperatorOptions(command).action((options: CommandOptions) =>
      withOperator(options, async (operator) => {
        const { commands } = await operator.patterns({
          list,
          least: options.least,
          limit: options.limit,
          ...(options.since !== undefined && { since: options.since }),
          ...(options.workflow !== undefined && { workflow_id: options.workflow }),
        })
        if (options.json) printJson(commands)
        else showCommands(commands, list)
      }),
    )
  }
}

async function listPatterns(operator: Operator, options: PatternOptions): Promise<void> {
  const { patterns } = await operator.patterns({
    limit: options.limit,
    mine: options.mine ?? false,
    ...(options.category !== undefined && { category: options.category }),
  })
  if (options.json) {
    printJson(patterns)
    return
  }
  if (patterns.length === 0) print('no patterns are known yet')
  for (const pattern of patterns) {
    const rate =
      pattern.success_rate === null ? '' : `, ${Math.round(pattern.success_rate * 100)} % well`
    print(`${pattern.pattern_id}  ${visible(pattern.pattern_name)}  [${pattern.task_category}]`)
    for (const command of pattern.command_sequence) print(`     ${visibleCommand(command)}`)
    const { venv, cwd_kind: kind, files } = pattern.preconditions
    const needs = [venv && 'a virtual environment', kind, files?.join(' ')].filter(Boolean)
    if (needs.length > 0) print(`     with ${visible(needs.join(', '))}`)
    print(`     seen in ${pattern.support} workflows, followed ${pattern.usage_count} times${rate}`)
  }
}

function showCommands(commands: readonly CommandPatternStats[], list: string): void {
  if (commands.length === 0) {
    print('no command has run often enough')
    return
  }
  const rows = commands.map((one) => [
    String(one.uses),
    `${Math.round(one.success_rate * 100)} %`,
    one.avg_duration === null ? '-' : duration(one.avg_duration),
    ...(list === 'failures' ? [one.error_category ?? '-', fixOf(one)] : []),
    visibleCommand(one.command),
  ])
  const heads =
    list === 'failures'
      ? ['RUNS', 'WELL', 'TOOK', 'FAILED AS', 'WHAT HELPED', 'COMMAND']
      : ['RUNS', 'WELL', 'TOOK', 'COMMAND']
  for (const line of table(heads, rows)) print(line)
}

function fixOf(one: CommandPatternStats): string {
  const [best] = one.fixed_by
  return best === undefined ? '-' : visibleCommand(best.command).slice(0, 50)
}
