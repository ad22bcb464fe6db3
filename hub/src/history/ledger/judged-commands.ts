import { CentralPostError, messageOf, type TrustLevel } from '@centralpost/shared'
import SqliteDatabase from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import type { Schema } from '../store/schema.ts'

/** A judged command, with its number of requests. */
export interface PastCommand {
  readonly command: string
  readonly argv: readonly string[] | null
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly level: TrustLevel
  readonly times: number
}

/**
 * Every distinct command ever judged, read-only, even beside a running hub. Commands with masked
 * secrets are skipped, since their judged text is unknown.
 *
 * @param path the hub's database
 * @throws {CentralPostError} `storage` when it is unreadable
 */
export async function* eachJudgedCommand(path: string): AsyncGenerator<PastCommand> {
  let db: Kysely<Schema>
  try {
    const file = new SqliteDatabase(path, { readonly: true, fileMustExist: true })
    db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: file }) })
  } catch (error) {
    throw new CentralPostError('storage', `cannot read the history ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  try {
    const rows = db
      .selectFrom('command_executions')
      .select(['command', 'argv', 'cwd', 'env', 'trust_level'])
      .select((get) => get.fn.countAll<number>().as('times'))
      .where('trust_level', 'is not', null)
      .where('cwd', 'is not', null)
      .where('command', 'not like', '%[masked:%')
      .where('env', 'not like', '%[masked:%')
      .groupBy(['command', 'argv', 'cwd', 'env', 'trust_level'])
      .stream()
    for await (const { argv, env, trust_level: level, cwd, ...row } of rows) {
      if (level === null || cwd === null) continue
      yield {
        ...row,
        cwd,
        argv: argv === null ? null : (JSON.parse(argv) as string[]),
        env: JSON.parse(env) as Record<string, string>,
        level,
      }
    }
  } finally {
    await db.destroy()
  }
}
