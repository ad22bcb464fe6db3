import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExecutable, run } from './command.js'
import { fromPackageManager } from './package-managers.js'
import { programCache, programPaths } from '../../shared/src/program-paths.js'
import { say, SetupError } from './say.js'

/**
 * @typedef {object} Program
 * @property {string} name of its executable
 * @property {string} packageName its name in package managers
 * @property {string} [image] a Docker image that holds it at `/name`
 */

/** @type {Program} */
export const natsServer = { name: 'nats-server', packageName: 'nats-server', image: 'nats:2.12' }

/** @type {Program} */
export const tracer = { name: 'strace', packageName: 'strace' }

/** @type {Program} */
export const bubblewrap = { name: 'bwrap', packageName: 'bubblewrap' }

/**
 * Makes a program available: uses an installed one, or asks the system's package manager for a
 * private copy, which needs no root and installs no service.
 *
 * @param {Program} program
 * @throws {SetupError} listing the attempts and the package to install
 */
export function ensureProgram(program) {
  if (programPaths(program.name).some(isExecutable)) return
  const copy = join(programCache(), program.name)
  const work = mkdtempSync(join(tmpdir(), 'centralpost-setup-'))
  try {
    const found = fromPackageManager(program, work)
    // A package manager that installs system-wide leaves nothing to copy.
    if (found !== undefined) keep(found, copy)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  if (!programPaths(program.name).some(isExecutable)) {
    throw new SetupError(`${program.name} was installed but is not on PATH: add its folder to PATH`)
  }
}

/** Moves a program to its final path, whole and only if it runs. */
function keep(found, copy) {
  const temporary = `${copy}.${process.pid}`
  try {
    mkdirSync(programCache(), { recursive: true, mode: 0o755 })
    copyFileSync(found, temporary)
    chmodSync(temporary, 0o755)
    const [version] = run(temporary, ['--version']).trim().split('\n')
    renameSync(temporary, copy)
    say(`${version} is at ${copy}`)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new SetupError(
      `cannot keep a copy at ${copy} (${error.message}): name a writable folder in XDG_CACHE_HOME`,
    )
  }
}
