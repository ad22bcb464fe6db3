import { sql } from 'kysely'
import type { Tx } from '../store/dialect/dialect.ts'
import type { CommandExecution, CommandTotalTable } from '../store/schema.ts'

type Total = { -readonly [Name in keyof CommandTotalTable]: CommandTotalTable[Name] }

/** Adds up ended executions, then writes the sums once. */
export class Totals {
  readonly #sums = new Map<string, Total>()

  add(row: CommandExecution, formId: number): void {
    this.#add('all', '', row)
    this.#add('exact', row.command_hash, row)
    this.#add('form', String(formId), row)
  }

  async write(tx: Tx): Promise<void> {
    for (const total of this.#sums.values()) {
      await tx
        .insertInto('command_totals')
        .values(total)
        .onConflict((conflict) =>
          conflict.columns(['scope', 'name', 'status', 'trust_level']).doUpdateSet({
            n: sql`command_totals.n + excluded.n`,
            successful: sql`command_totals.successful + excluded.successful`,
            timed: sql`command_totals.timed + excluded.timed`,
            total_duration: sql`command_totals.total_duration + excluded.total_duration`,
            min_duration: lesser('min_duration', '<'),
            max_duration: lesser('max_duration', '>'),
            last_execution: lesser('last_execution', '>'),
          }),
        )
        .execute()
    }
  }

  #add(scope: Total['scope'], name: string, row: CommandExecution): void {
    const level = row.trust_level ?? 'none'
    const key = `${scope} ${name} ${row.status} ${level}`
    const sum = this.#sums.get(key) ?? {
      scope,
      name,
      status: row.status,
      trust_level: level,
      n: 0,
      successful: 0,
      timed: 0,
      total_duration: 0,
      min_duration: null,
      max_duration: null,
      last_execution: null,
    }
    this.#sums.set(key, sum)
    sum.n += 1
    sum.successful += row.success === 1 ? 1 : 0
    if (row.duration !== null) {
      sum.timed += 1
      sum.total_duration += row.duration
      sum.min_duration = Math.min(sum.min_duration ?? row.duration, row.duration)
      sum.max_duration = Math.max(sum.max_duration ?? row.duration, row.duration)
    }
    const at = row.execution_timestamp
    if (at !== null) sum.last_execution = Math.max(sum.last_execution ?? at, at)
  }
}

/** The non-null one of the stored and the new value, or the lesser (or greater) of both. */
function lesser(name: string, comparison: '<' | '>') {
  const stored = sql.ref(`command_totals.${name}`)
  const added = sql.ref(`excluded.${name}`)
  return sql<number>`case when ${stored} is null then ${added} when ${added} is null then ${stored}
    when ${added} ${sql.raw(comparison)} ${stored} then ${added} else ${stored} end`
}
