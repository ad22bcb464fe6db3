import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * The folder in which set-up keeps programs that it fetched. The hub looks for them there too, so the rule stands in this
 * one file, in plain JavaScript: set-up runs before anything is installed.
 *
 * @param {Record<string, string | undefined>} [env] where XDG_CACHE_HOME is read from
 * @returns {string} an absolute path, which may not exist
 */
export function programCache(env = process.env) {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : undefined
  return join(base ?? join(homedir(), '.cache'), 'centralpost')
}

/**
 * Where set-up puts its copy of nats-server.
 *
 * @param {Record<string, string | undefined>} [env] where XDG_CACHE_HOME is read from
 * @returns {string} an absolute path, which may not exist
 */
export function natsServerCopy(env = process.env) {
  return join(programCache(env), 'nats-server')
}
