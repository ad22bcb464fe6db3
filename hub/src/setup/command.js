import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SetupError } from './say.js'

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // A missing file and one that is not executable both mean: not available.
    return false
  }
}

/** Whether a command is on PATH. @param {string} name */
export function hasCommand(name) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => folder !== '' && isExecutable(join(folder, name)))
}

/**
 * Runs a command to its end and returns its output.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @throws {SetupError} with its last line of output
 */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  })
  if (status === 0) return stdout
  const said = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').at(-1)
  const how = error ? error.message : said || `exit code ${status}`
  throw new SetupError(`\`${[command, ...args].join(' ')}\`: ${how}`)
}
