import { type Verdict, verdictSchema } from '@centralpost/shared'
import type { CommandExecution, CommandExecutionTable, NewCommandExecution } from './schema.ts'

/** Parsed JSON columns. */
interface Said {
  readonly argv: readonly string[] | null
  readonly env: Readonly<Record<string, string>>
  /** null: it was never judged */
  readonly verdict: Verdict | null
  /** programs and files at the time of the digest, by name */
  readonly bound: Readonly<Record<string, string>>
}

/** An execution in the flow. Its JSON columns are parsed once, on first access. */
export type Execution = Omit<CommandExecution, keyof Said> & Said

/** An execution before its insert. */
export type NewExecution = Omit<NewCommandExecution, keyof Said> & Partial<Said> & Pick<Said, 'env'>

/** The changes of a step to a row. */
export type ColumnChanges = Partial<
  Omit<CommandExecutionTable, 'execution_id' | 'action_id' | 'agent_id' | 'status' | 'masked'>
>

/** The changes of a step to an execution. */
export type Changes = Omit<ColumnChanges, keyof Said> & Partial<Pick<Said, 'verdict' | 'bound'>>

/** Converts a row to an execution. */
export function executionOf(row: CommandExecution): Execution {
  const { argv, env, verdict, bound, ...plain } = row
  return withLazy(plain, {
    argv: () => (argv === null ? null : (JSON.parse(argv) as string[])),
    env: () => JSON.parse(env) as Record<string, string>,
    verdict: () => (verdict === null ? null : verdictSchema.parse(JSON.parse(verdict))),
    bound: () => JSON.parse(bound ?? '{}') as Record<string, string>,
  })
}

/** Converts an execution to a row. */
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
 * The verdict on a judged action.
 *
 * @throws {TypeError} when it was never judged: it was rejected
 */
export function verdictOf(execution: Pick<Execution, 'verdict' | 'action_id'>): Verdict {
  if (execution.verdict !== null) return execution.verdict
  throw new TypeError(`${execution.action_id} was never judged`)
}

/** An object with additional lazy fields. A spread copy has their values. */
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
