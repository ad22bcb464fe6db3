import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programCache, programPaths } from '../../../shared/src/program-paths.js'
import { isExecutable } from './command.js'
import { fromGoModule } from './go-module.js'
import { bubblewrap, ensureProgram, keepOwn, natsServer } from './program.js'
import { say, SetupError } from './say.js'

export { SetupError }

const dayMs = 86_400_000

/**
 * Makes nats-server available, unless NATS_URL names a broker.
 *
 * @throws {SetupError} listing the attempts and the package to install
 */
export async function ensureBroker() {
  if (!process.env.NATS_URL) await ensureProgram(natsServer)
}

/**
 * Builds the pinned nats-server and keeps it where hubs look last.
 *
 * @throws {SetupError} without Go 1.25 or later
 */
export async function buildNewestBroker() {
  const copy = await keepOwn(natsServer, fromGoModule)
  const first = programPaths(natsServer.name).find(isExecutable)
  if (first !== copy) say(`${first} comes before it: hubs run that one until it is gone from PATH`)
}

/** Where the programs are that a hub runs; null for what is missing. */
export const foundPrograms = () => ({
  nats_server: pathOf(natsServer.name),
  bubblewrap: pathOf(bubblewrap.name),
})

/** @param {string} name */
const pathOf = (name) => programPaths(name).find(isExecutable) ?? null

/** bubblewrap is optional: without it, commands run unconfined, and the hub says so. */
export async function ensureSandbox() {
  if (process.platform !== 'linux') return
  try {
    await ensureProgram(bubblewrap)
  } catch (error) {
    say(`going on without a sandbox (commands run unconfined): ${error.message}`)
    noteSandboxFailure()
  }
}

const sandboxFailure = () => join(programCache(), 'no-bwrap')

/** Avoids a futile download at every offline start; `centralpost setup` retries immediately. */
export function sandboxLatelyFailed() {
  const at = statSync(sandboxFailure(), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (Date.now() - at > dayMs || programPaths(bubblewrap.name).some(isExecutable)) return false
  say('no sandbox (commands run unconfined): fetching bubblewrap failed; npm run setup tries again')
  return true
}

function noteSandboxFailure() {
  try {
    mkdirSync(programCache(), { recursive: true, mode: 0o755 })
    writeFileSync(sandboxFailure(), '')
  } catch {
    // the next start tries again
  }
}
