import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isExecutable, run } from './command.js'
import { fromPackageManager } from './package-managers.js'
import { fromReleaseArchive } from './release-archive.js'
import { programCache, programPaths } from '../../../shared/src/program-paths.js'
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
 * Makes a program available: uses an installed one, or gets a private copy, which needs no root and installs no service. The
 * copy is of the official release where that can be had, else of the system's package manager.
 *
 * @param {Program} program
 * @throws {SetupError} listing the attempts and the package to install
 */
export async function ensureProgram(program) {
  if (programPaths(program.name).some(isExecutable)) return
  await keepOwn(
    program,
    program === natsServer ? fromReleaseOrPackage : (work) => fromPackageManager(program, work),
  )
  if (!programPaths(program.name).some(isExecutable)) {
    throw new SetupError(`${program.name} was installed but is not on PATH: add its folder to PATH`)
  }
}

/**
 * Gets a program and keeps a copy of it.
 *
 * @param {Program} program
 * @param {(work: string) => Promise<string | undefined> | string | undefined} get told of an empty folder to work in; what it
 *   installs system-wide leaves nothing to copy
 * @returns {Promise<string>} the path of the copy
 * @throws {SetupError} what `get` throws, and when the copy cannot be kept
 */
export async function keepOwn(program, get) {
  const copy = join(programCache(), program.name)
  const work = mkdtempSync(join(tmpdir(), 'centralpost-setup-'))
  try {
    const found = await get(work)
    if (found !== undefined) keep(found, copy)
    return copy
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @param {string} work */
async function fromReleaseOrPackage(work) {
  try {
    return await fromReleaseArchive(work)
  } catch (error) {
    say(`not from its release: ${error.message}`)
    return fromPackageManager(natsServer, work)
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
