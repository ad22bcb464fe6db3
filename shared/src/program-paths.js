import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

// Set-up and hub must agree on where to look for nats-server. This file is plain JavaScript because
// set-up runs before anything is installed.

/** Package managers put servers into these folders, which a user's PATH often lacks. */
const usualFolders = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']

/**
 * The folder of programs fetched by set-up.
 *
 * @param {Record<string, string | undefined>} [env] supplies XDG_CACHE_HOME
 * @returns {string} an absolute path, which may not exist
 */
export function programCache(env = process.env) {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : undefined
  return join(base ?? join(homedir(), '.cache'), 'centralpost')
}

/**
 * The search path for a program: PATH, the usual folders, then the copy made by set-up.
 *
 * @param {string} name the program's name
 * @param {Record<string, string | undefined>} [env] supplies PATH and XDG_CACHE_HOME
 * @returns {string[]} best first
 */
export function programPaths(name, env = process.env) {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const folders = [...new Set([...onPath, ...usualFolders, programCache(env)])]
  return folders.map((folder) => join(folder, name))
}

/**
 * The folder in which Node keeps compiled code, which halves the time to start: beside the libraries where that folder can
 * be written, else (installed for everybody) in the user's own cache.
 *
 * @param {string} program the path of a program of ours
 * @returns {string} an absolute path, which may not exist
 */
export function compileCache(program) {
  for (let folder = dirname(program); dirname(folder) !== folder; folder = dirname(folder)) {
    const libraries = join(folder, 'node_modules')
    try {
      accessSync(libraries, constants.W_OK)
      return join(libraries, '.cache', 'centralpost')
    } catch {
      // missing, or another user's: try the parent
    }
  }
  return join(programCache(), 'compiled')
}
