import { actionStates, isoOf } from '@centralpost/shared'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { HistoryQuery } from '../operator/questions.ts'
import { type OperatorOptions, withOperatorOptions } from './connection.ts'
import { levelOption } from './option-values.ts'

export interface FilterOptions extends OperatorOptions {
  readonly agent?: string
  readonly workflow?: string
  readonly level?: NonNullable<HistoryQuery['trust_level']>
  readonly status?: NonNullable<HistoryQuery['status']>
  readonly since?: string
  readonly until?: string
}

/** Adds the options that select executions. */
export function withFilters(command: Command): Command {
  return withOperatorOptions(
    command
      .option('--agent <agent>', 'only of this agent')
      .option('--workflow <id>', 'only of this workflow')
      .addOption(levelOption())
      .addOption(new Option('--status <status>', 'only in this state').choices(actionStates))
      .option(
        '--since <time>',
        'only since then: 2030-01-31, 2030-01-31T12:00Z, or 2h, 7d ago',
        moment,
      )
      .option('--until <time>', 'only before then', moment),
  )
}

export function filtersOf(options: FilterOptions): HistoryQuery {
  return {
    ...(options.agent !== undefined && { agent_id: options.agent }),
    ...(options.workflow !== undefined && { workflow_id: options.workflow }),
    ...(options.level !== undefined && { trust_level: options.level }),
    ...(options.status !== undefined && { status: options.status }),
    ...(options.since !== undefined && { since: options.since }),
    ...(options.until !== undefined && { until: options.until }),
  }
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/**
 * Reads a time in the local time zone: a date, a date with a time, or an age (`90s`, `30m`, `2h`,
 * `7d`, `4w`).
 */
export function moment(text: string): string {
  const ago = /^(\d{1,6})([smhdw])$/.exec(text)
  // JavaScript reads a date alone as midnight UTC
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text)
  const at =
    ago === null
      ? Date.parse(isDate ? `${text}T00:00` : text)
      : Date.now() - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? 0)
  if (Number.isFinite(at) && (ago !== null || /^\d{4}-\d\d-\d\d/.test(text))) {
    return isoOf(at)
  }
  throw new InvalidArgumentError('give a date, such as 2030-01-31, or an age, such as 2h.')
}
