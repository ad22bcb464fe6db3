import { type Verdict, verdictSchema } from '@centralpost/shared'
import type { CommandExecution, CommandExecutionTable, NewCommandExecution } from './schema.ts'

/** What the database keeps as JSON, as it is meant. */
interface Said {
  readonly argv: readonly string[] | null
  readonly env: Readonly<Record<string, string>>
  /** null: it was never judged */
  readonly verdict: Verdict | null
  /** programs and files as they were when the digest was made, by name */
  readonly bound: Readonly<Record<string, string>>
}

/** An execution as the flow knows it. Its JSON columns are parsed once, when they are first read. */
export type Execution = Omit<CommandExecution, keyof Said> & Said

/** An execution on its way into the ledger. */
export type NewExecution = Omit<NewCommandExecution, keyof Said> & Partial<Said> & Pick<Said, 'env'>

/** What a step changes of a row. */
export type ColumnChanges = Partial<
  Omit<CommandExecutionTable, 'execution_id' | 'action_id' | 'agent_id' | 'status' | 'masked'>
>

/** What a step changes of an execution. */
export type Changes = Omit<ColumnChanges, keyof Said> & Partial<Pick<Said, 'verdict' | 'bound'>>

/** The row of an execution as the flow knows it. */
export function executionOf(row: CommandExecution): Execution {
  const { argv, env, verdict, bound, ...plain } = row
  return withLazy(plain, {
    argv: () => (argv === null ? null : (JSON.parse(argv) as string[])),
    env: () => JSON.parse(env) as Record<string, string>,
    verdict: () => (verdict === null ? null : verdictSchema.parse(JSON.parse(verdict))),
    bound: () => JSON.parse(bound ?? '{}') as Record<string, string>,
  })
}

/** The row that stores an execution. */
export function rowOf({ argv, env, verdict, bound, ...plain }: NewExecution): NewCommandExecution {
  return {
    ...plain,
    ...columnsOf({ ...(verdict !== undefined && { verdict }), ...(bound && { bound }) }),
    ...(argv !== undefined && { argv: argv === null ? null : JSON.stringify(argv) }),
    env: JSON.stringify(env),
  }
}

/** Changes as columns. */
export function columnsOf({ verdict, bound, ...plain }: Changes): ColumnChanges {
  return {
    ...plain,
    ...(verdict !== undefined && { verdict: verdict === null ? null : JSON.stringify(verdict) }),
    ...(bound !== undefined && { bound: JSON.stringify(bound) }),
  }
}

/**
 * The verdict on an action that was judged.
 *
 * @throws {TypeError} when it was not: it was rejected
 */
export function verdictOf(execution: Pick<Execution, 'verdict' | 'action_id'>): Verdict {
  if (execution.verdict !== null) return execution.verdict
  throw new TypeError(`${execution.action_id} was never judged`)
}

/** An object with more fields, each of which is made when it is first read. A copy by spreading has them as they are. */
function withLazy<T extends object, L extends object>(
  plain: T,
  lazy: { readonly [K in keyof L]: () => L[K] },
): T & L {
  for (const name of Object.keys(lazy) as (keyof L & string)[]) {
    Object.defineProperty(plain, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = lazy[name]()
        Object.defineProperty(this, name, { enumerable: true, value })
        return value
      },
    })
  }
  return plain as T & L
}
