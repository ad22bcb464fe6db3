import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { programCache } from '../../shared/src/program-paths.js'
import { SetupError } from '../../hub/src/setup/say.js'

const neededMajor = 24
const parentLookMs = 250

/**
 * The Node that runs the project: npm's copy, else this one if it is new enough.
 *
 * @param {string} root the project's folder
 * @throws {SetupError} when neither is usable
 */
export function projectNode(root) {
  const carried = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(carried)) return carried
  if (Number(process.versions.node.split('.')[0]) >= neededMajor) return process.execPath
  throw new SetupError(
    `npm has no Node ${neededMajor} for ${process.platform} ${process.arch}, and this is ${process.version}: install Node ${neededMajor} or later`,
  )
}

/**
 * Runs a job to its end, with this process's standard streams, and forwards signals.
 *
 * @param {string} node
 * @param {string[]} args
 * @param {{ root: string, env?: Record<string, string> }} options
 * @returns {Promise<{ code: number | null, signal: string | null }>}
 */
export function runJob(node, args, { root, env = {} }) {
  const path = [process.env.PATH, programCache()].filter(Boolean).join(delimiter)
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: path, ...env } })
  const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
    const forward = () => {
      // The terminal has sent its Ctrl-C to the child too; a second one would force an immediate
      // stop.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    }
    process.on(signal, forward)
    return [signal, forward]
  })
  const watch = endWithNpm(child)
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new SetupError(`cannot start ${node} in ${root}: ${error.message}`))
    })
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      for (const [name, forward] of handlers) process.off(name, forward)
      resolve({ code, signal })
    })
  })
}

/** npm ends only the shell between it and this process; the only sign is a new parent process. */
function endWithNpm(child) {
  const parent = process.ppid
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, parentLookMs)
  return watch
}
