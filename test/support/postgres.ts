import { execFileSync, type ChildProcess, spawn } from 'node:child_process'
import { chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { holdsPostgres, postgresFolders, postgresLibraries } from './setup/postgres.js'
import { eventually } from './eventually.ts'
import { signal } from './signal.ts'
import { TempDir } from './temp-dir.ts'

/** A server that refuses to run as root runs as this user instead. */
const nobody = 65_534

/** Where PostgreSQL's own programs are, or undefined where it is not installed. */
export function findPostgres(): string | undefined {
  return postgresFolders().find(holdsPostgres)
}

/** A real PostgreSQL server in a directory of its own, on a socket only; it goes with the test. */
export class TestPostgres {
  readonly #dir: TempDir
  readonly #launch: () => ChildProcess
  #server: ChildProcess
  #databases = 0

  private constructor(dir: TempDir, launch: () => ChildProcess) {
    this.#dir = dir
    this.#launch = launch
    this.#server = launch()
  }

  static async start(): Promise<TestPostgres> {
    const bin = findPostgres()
    if (bin === undefined) throw new Error('PostgreSQL is not installed')
    const dir = await TempDir.make()
    const isRoot = process.getuid?.() === 0
    const user = isRoot ? { uid: nobody, gid: nobody } : {}
    const libraries = postgresLibraries()
    const own = libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }
    const as = { ...user, env: { ...process.env, ...own } }
    if (isRoot) chownSync(dir.path, nobody, nobody)
    const data = join(dir.path, 'data')
    execFileSync(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'test', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C', '-k'],
      { ...as, cwd: dir.path, stdio: 'pipe' },
    )
    const settings = ['listen_addresses=', 'fsync=off', 'max_connections=60', 'shared_buffers=64MB']
    const args = ['-D', data, '-k', dir.path, ...settings.flatMap((one) => ['-c', one])]
    const it = new TestPostgres(dir, () =>
      spawn(join(bin, 'postgres'), args, { ...as, cwd: dir.path, stdio: 'ignore' }),
    )
    await eventually(() => it.query('postgres', 'select 1'))
    return it
  }

  /** Ends every connection of hubs, as a server does that an administrator restarts. */
  async endConnections(): Promise<void> {
    await this.query(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'centralpost%'`,
    )
  }

  /** Ends the server at once, without a word to who is connected, and starts it again. */
  async crash(): Promise<void> {
    await this.#end()
    this.#server = this.#launch()
    await eventually(() => this.query('postgres', 'select 1'), 30_000)
  }

  /** Kills every process of the server at once with -9, and starts it again. */
  async kill9(): Promise<void> {
    const gone = new Promise((resolve) => this.#server.once('exit', resolve))
    this.#tell('SIGKILL')
    await gone
    await eventually(() => {
      // it ends again while the kernel still holds what the dead ones shared
      if (this.#hasEnded) this.#server = this.#launch()
      return this.query('postgres', 'select 1')
    }, 30_000)
  }

  /** Stops every process of the server, as a machine that is suspended; gives what lets them go on. */
  pause(): () => void {
    const stopped = this.#tell('SIGSTOP')
    return () => {
      for (const pid of stopped) signal(pid, 'SIGCONT')
    }
  }

  /** The socket on which it listens. */
  get socket(): string {
    return join(this.#dir.path, '.s.PGSQL.5432')
  }

  url(database: string): string {
    return `postgresql://test@localhost/${database}?host=${encodeURIComponent(this.#dir.path)}`
  }

  /** @returns the url of a new, empty database */
  async database(): Promise<string> {
    this.#databases += 1
    const name = `test_${process.pid}_${this.#databases}`
    await this.query('postgres', `create database ${name}`)
    return this.url(name)
  }

  async query(database: string, text: string): Promise<readonly unknown[]> {
    const client = new Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      return (await client.query(text)).rows as unknown[]
    } finally {
      await client.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    await this.#dir[Symbol.asyncDispose]()
  }

  get #hasEnded(): boolean {
    return this.#server.exitCode !== null || this.#server.signalCode !== null
  }

  #tell(what: NodeJS.Signals): number[] {
    const { pid } = this.#server
    if (pid === undefined) return []
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    const all = [pid, ...workers.split(' ').filter(Boolean).map(Number)]
    for (const one of all) signal(one, what)
    return all
  }

  async #end(): Promise<void> {
    const gone = new Promise((resolve) => this.#server.once('exit', resolve))
    // at once, whoever is connected
    if (this.#server.exitCode === null && this.#server.kill('SIGQUIT')) await gone
  }
}
