import { cpSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { hasCommand, isExecutable, run } from '../../../hub/src/setup/command.js'
import { programCache, programPaths } from '../../../shared/src/program-paths.js'
import { say, SetupError } from '../../../hub/src/setup/say.js'

// PostgreSQL is for tests only, so that the history is tested on it too. Test support looks in the same places.

const debian = '/usr/lib/postgresql'

/**
 * The folders that may hold PostgreSQL's own programs, best first.
 *
 * @returns {string[]}
 */
export function postgresFolders() {
  const below = [debian, join(programCache(), 'postgresql', debian)].flatMap((folder) => {
    try {
      return readdirSync(folder)
        .map((version) => join(folder, version, 'bin'))
        .toReversed()
    } catch {
      return []
    }
  })
  return [...below, ...programPaths('initdb').map((path) => join(path, '..'))]
}

/** Whether a folder holds what tests start. */
export function holdsPostgres(folder) {
  return ['initdb', 'postgres'].every((name) => isExecutable(join(folder, name)))
}

/**
 * Where the libraries of a private copy are, for LD_LIBRARY_PATH.
 *
 * @returns {string}
 */
export function postgresLibraries() {
  const folder = join(programCache(), 'postgresql', 'usr/lib')
  try {
    return readdirSync(folder)
      .filter((name) => name.includes('-linux-'))
      .map((name) => join(folder, name))
      .join(delimiter)
  } catch {
    return ''
  }
}

/**
 * Fetches a private copy with apt where PostgreSQL is missing: no root is needed and no service is installed.
 *
 * @throws {SetupError} saying what to install
 */
export function ensurePostgres() {
  if (postgresFolders().some(holdsPostgres)) return
  const byHand = 'its tests are skipped; `apt-get install postgresql` brings it'
  if (!hasCommand('apt-get')) throw new SetupError(byHand)
  // a server does not run as root, and others may not enter root's folders
  if (process.getuid?.() === 0 && programCache().startsWith(homedir())) throw new SetupError(byHand)
  const work = mkdtempSync(join(tmpdir(), 'centralpost-setup-'))
  try {
    const depends = run('apt-cache', ['depends', 'postgresql'])
    const server = /Depends: (postgresql-\d+)/.exec(depends)?.[1]
    if (server === undefined) throw new SetupError(byHand)
    say(
      `fetching ${server} with apt, for tests: a private copy, without root and without a service`,
    )
    run('apt-get', ['download', server, 'libpq5'], { cwd: work })
    for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      run('dpkg-deb', ['-x', join(work, archive), join(work, 'unpacked')])
    }
    const copy = join(programCache(), 'postgresql')
    mkdirSync(programCache(), { recursive: true, mode: 0o755 })
    cpSync(join(work, 'unpacked'), `${copy}.${process.pid}`, { recursive: true })
    rmSync(copy, { recursive: true, force: true })
    renameSync(`${copy}.${process.pid}`, copy)
    const folder = postgresFolders().find(holdsPostgres)
    if (folder === undefined) throw new SetupError(byHand)
    try {
      run(join(folder, 'postgres'), ['--version'], {
        env: { ...process.env, LD_LIBRARY_PATH: postgresLibraries() },
      })
    } catch (error) {
      rmSync(copy, { recursive: true, force: true })
      throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
