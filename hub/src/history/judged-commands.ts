import { CentralPostError, messageOf, type TrustLevel } from '@centralpost/shared'
import SqliteDatabase from 'better-sqlite3'

/** A command as it was judged, with how often it was asked for. */
export interface JudgedCommand {
  readonly command: string
  readonly argv: readonly string[] | null
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly level: TrustLevel
  readonly times: number
}

interface Row {
  readonly command: string
  readonly argv: string | null
  readonly cwd: string
  readonly env: string
  readonly trust_level: TrustLevel
  readonly times: number
}

/**
 * Every different command that was ever judged, read-only beside a hub that runs.
 *
 * @param path the hub's database
 * @throws {CentralPostError} `storage` when it cannot be read
 */
export function* eachJudgedCommand(path: string): Generator<JudgedCommand> {
  let db: SqliteDatabase.Database
  try {
    db = new SqliteDatabase(path, { readonly: true, fileMustExist: true })
  } catch (error) {
    throw new CentralPostError('storage', `cannot read the history ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  try {
    const rows = db.prepare<[], Row>(
      `select command, argv, cwd, env, trust_level, count(*) as times from command_executions
       where trust_level is not null and cwd is not null group by command, argv, cwd, env, trust_level`,
    )
    for (const { argv, env, trust_level: level, ...row } of rows.iterate()) {
      yield {
        ...row,
        argv: argv === null ? null : (JSON.parse(argv) as string[]),
        env: JSON.parse(env) as Record<string, string>,
        level,
      }
    }
  } finally {
    db.close()
  }
}
