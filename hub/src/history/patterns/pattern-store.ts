import { hash } from 'node:crypto'
import {
  CentralPostError,
  type CommandPattern,
  type Preconditions,
  type TaskCategory,
  isoOf,
} from '@centralpost/shared'
import type { Selectable } from 'kysely'
import type { Database } from '../store/dialect/dialect.ts'
import { inSeconds } from '../search/entries.ts'
import { normalise } from '../command-form.ts'
import type { CommandPatternTable } from '../store/schema.ts'
import { mineSequences, type MinedSequence, type MinedStep } from './mine.ts'
import { recordUse } from './pattern-use.ts'

export interface NewPattern {
  readonly patternName: string
  readonly commandSequence: readonly string[]
  readonly taskCategory: TaskCategory
  readonly preconditions?: Preconditions | undefined
}

/** Limit of actions searched for patterns, newest first. */
const mostMined = 200_000
const valuesKept = 5

/** Stores the patterns. Used only by the one thread that writes derived data. */
export class PatternStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Adds a pattern by hand. Commands are normalised: `pip install requests` becomes `pip install
   * {package}`.
   *
   * @returns its id
   * @throws {CentralPostError} `conflict` when the name is taken
   */
  async createPattern(pattern: NewPattern): Promise<number> {
    const now = Date.now()
    const forms = pattern.commandSequence.map(normalise)
    const parameters: Record<string, string[]> = {}
    for (const { name, value } of forms.flatMap((form) => form.parameters)) {
      const values = (parameters[name] ??= [])
      if (!/^\{.*\}$/.test(value) && values.length < valuesKept) values.push(value)
    }
    const row = await this.#db
      .insertInto('command_patterns')
      .values({
        pattern_name: pattern.patternName,
        command_sequence: JSON.stringify(
          // text already written as a parameter stays one
          forms.map((form, index) => keptParameters(pattern.commandSequence[index], form.form)),
        ),
        parameters: JSON.stringify(parameters),
        task_category: pattern.taskCategory,
        preconditions: JSON.stringify(pattern.preconditions ?? {}),
        origin: 'created',
        success_rate: null,
        usage_count: 0,
        avg_duration: null,
        support: 0,
        created_at: now,
        updated_at: now,
      })
      .onConflict((conflict) => conflict.column('pattern_name').doNothing())
      .returning('pattern_id')
      .executeTakeFirst()
    if (row) return row.pattern_id
    throw new CentralPostError(
      'conflict',
      `pattern_name: the pattern "${pattern.patternName}" exists already; choose another name`,
    )
  }

  /**
   * Records one use of a pattern.
   *
   * @param use.duration milliseconds
   * @throws {CentralPostError} `not_found`
   */
  async recordPatternUsage(use: {
    readonly patternId: number
    readonly agentId: string
    readonly workflowId: string | null
    readonly success: boolean
    readonly duration: number | null
  }): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const known = await tx
        .selectFrom('command_patterns')
        .select('pattern_id')
        .where('pattern_id', '=', use.patternId)
        .executeTakeFirst()
      if (known === undefined) {
        throw new CentralPostError('not_found', `no pattern ${use.patternId}`)
      }
      await recordUse(tx, {
        patternId: use.patternId,
        success: use.success ? 1 : 0,
        duration: use.duration,
        row: {
          execution_id: null,
          workflow_id: use.workflowId,
          agent_id: use.agentId,
          timestamp: Date.now(),
        },
      })
    })
  }

  /**
   * Mines the newest actions of workflows: stores new sequences and updates the numbers of known
   * ones.
   *
   * @returns number of patterns found
   */
  async minePatterns(): Promise<{ readonly found: number; readonly added: number }> {
    const workflows = await this.#workflows()
    const sequences = await mineSequences(workflows, {}, () => new Promise(setImmediate))
    let added = 0
    for (const sequence of sequences) {
      if (await this.#keep(sequence)) added += 1
      await new Promise(setImmediate)
    }
    return { found: sequences.length, added }
  }

  async #workflows(): Promise<MinedStep[][]> {
    const rows = await this.#db
      .selectFrom('execution_index as i')
      .innerJoin('command_forms as f', 'f.form_id', 'i.form_id')
      .select(['i.execution_id', 'i.workflow_id', 'i.agent_id', 'i.form_id', 'i.success'])
      .where('i.workflow_id', 'is not', null)
      .where('i.settled', '=', 1)
      .where('f.category', '!=', 'inspection')
      .orderBy('i.execution_id', 'desc')
      .limit(mostMined)
      .execute()
    const workflows = new Map<string, MinedStep[]>()
    for (const row of rows.toReversed()) {
      // agents of one workflow work in parallel: each has its own order
      const key = `${row.workflow_id} ${row.agent_id}`
      const steps = workflows.get(key)
      const step = {
        executionId: row.execution_id,
        form: row.form_id,
        isSuccess: row.success === 1,
      }
      if (steps === undefined) workflows.set(key, [step])
      else steps.push(step)
    }
    return [...workflows.values()]
  }

  async #keep(sequence: MinedSequence): Promise<boolean> {
    const now = Date.now()
    const forms = await this.#formsOf(sequence.forms)
    const texts = sequence.forms.map((id) => forms.get(id)?.form ?? '')
    const categories = sequence.forms.map((id) => forms.get(id)?.category ?? 'other')
    const { parameters, preconditions } = await this.#seen(sequence)
    const text = JSON.stringify(texts)
    const programs = [...new Set(texts.map((one) => one.split(' ').slice(0, 2).join(' ')))]
    const existing = await this.#db
      .selectFrom('command_patterns')
      .select('pattern_id')
      .where('command_sequence', '=', text)
      .executeTakeFirst()
    const values = {
      parameters: JSON.stringify(parameters),
      preconditions: JSON.stringify(preconditions),
      support: sequence.support,
      updated_at: now,
    }
    if (existing !== undefined) {
      await this.#db
        .updateTable('command_patterns')
        .set(values)
        .where('pattern_id', '=', existing.pattern_id)
        .execute()
      return false
    }
    await this.#db
      .insertInto('command_patterns')
      .values({
        ...values,
        pattern_name: `${programs.join(' → ').slice(0, 100)} #${hash('sha256', text).slice(0, 8)}`,
        command_sequence: text,
        task_category: mostFrequent(categories),
        origin: 'mined',
        success_rate: null,
        usage_count: 0,
        avg_duration: null,
        created_at: now,
      })
      .execute()
    return true
  }

  async #formsOf(ids: readonly number[]) {
    const rows = await this.#db
      .selectFrom('command_forms')
      .selectAll()
      .where('form_id', 'in', ids)
      .execute()
    return new Map(rows.map((row) => [row.form_id, row]))
  }

  /** The varying parts of the occurrences, and their common conditions. */
  async #seen(
    sequence: MinedSequence,
  ): Promise<{ parameters: Record<string, string[]>; preconditions: Preconditions }> {
    const ids = sequence.occurrences.flat()
    const rows = await this.#db
      .selectFrom('execution_index as i')
      .innerJoin('command_executions as e', 'e.execution_id', 'i.execution_id')
      .select([
        'i.execution_id',
        'e.command',
        'i.venv_active',
        'i.venv_wanted',
        'i.cwd_kind',
        'i.files',
      ])
      .where('i.execution_id', 'in', ids)
      .execute()
    const parameters: Record<string, string[]> = {}
    for (const { name, value } of rows.flatMap((row) => normalise(row.command).parameters)) {
      const values = (parameters[name] ??= [])
      if (values.length < valuesKept && !values.includes(value)) values.push(value.slice(0, 200))
    }
    const byId = new Map(rows.map((row) => [row.execution_id, row]))
    // files seen by a later step may be the work of an earlier one
    const firsts = sequence.occurrences.map((one) => byId.get(one[0] ?? 0))
    const looked = firsts.flatMap((row) => (row?.files == null ? [] : [row]))
    const files = looked
      .map((row) => new Set(JSON.parse(row.files ?? '[]') as string[]))
      .reduce<Set<string> | undefined>((all, one) => all?.intersection(one) ?? one, undefined)
    const kinds = new Set(looked.map((row) => row.cwd_kind))
    const [kind] = kinds
    const wanted = rows.filter((row) => row.venv_wanted === 1)
    return {
      parameters,
      preconditions: {
        ...(wanted.length > 0 && wanted.every((row) => row.venv_active === 1) && { venv: true }),
        ...(kinds.size === 1 && kind != null && { cwd_kind: kind }),
        ...(files !== undefined && files.size > 0 && { files: [...files] }),
      },
    }
  }
}

/** Keeps the parameter names of a sequence written by hand. */
function keptParameters(written: string | undefined, form: string): string {
  return written !== undefined && /\{[a-z_]+\}/.test(written) ? written : form
}

function mostFrequent(categories: readonly TaskCategory[]): TaskCategory {
  const counts = new Map<TaskCategory, number>()
  for (const one of categories) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 'other'
}

/** A pattern in wire form. */
export function toPattern(row: Selectable<CommandPatternTable>): CommandPattern {
  return {
    pattern_id: row.pattern_id,
    pattern_name: row.pattern_name,
    command_sequence: JSON.parse(row.command_sequence) as string[],
    parameters: JSON.parse(row.parameters) as Record<string, string[]>,
    task_category: row.task_category ?? 'other',
    preconditions: JSON.parse(row.preconditions ?? '{}') as Preconditions,
    origin: row.origin,
    success_rate: row.success_rate,
    usage_count: row.usage_count,
    avg_duration: inSeconds(row.avg_duration),
    support: row.support,
    created_at: isoOf(row.created_at),
    updated_at: isoOf(row.updated_at),
  }
}
