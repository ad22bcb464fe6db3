import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import { brokerConfig, probeSubject } from './broker-config.ts'
import { brokerPaths, ensureBrokerState, readBrokerState } from './broker-state.ts'
import { type AllIdentities, CredentialStore } from './credentials.ts'
import { writePrivateFile } from '@centralpost/shared/private-files'
import type { Identity } from './identity.ts'
import { livingHolder, LockFile } from './lock-file.ts'
import { loopback } from './ports.ts'
import { configReadAt, hasJetStream } from './probe.ts'
import { isServerOf } from './stale-server.ts'

const reloadMs = 20_000
const oneReloadMs = 5000
const lockWaitMs = 60_000
const pauseMs = 10
/** Time limit of an answer between two accounts of one server, in milliseconds. */
const answerMs = 500
const reloadsForNewAccount = 2

/** The embedded broker of a data directory while its parent lives, also during its restarts. */
export async function findRunningBroker(dataDir: string): Promise<{ url: string } | null> {
  const state = await readBrokerState(resolve(dataDir))
  if (state?.pid === undefined) return null
  const holder = await livingHolder(brokerPaths(resolve(dataDir)).lock)
  return holder ? { url: state.url } : null
}

/**
 * Applies the current identities of a data directory to its running broker, from any process. Only
 * revoked identities are disconnected. Resolves when the new configuration is in force.
 *  Needs several reloads. nats-server 2.9.10 sets up the imports of a new account only in the
 * reload after the one that adds it. Before 2.9.21 a reload under load can block all answers
 * between accounts until the next one (nats-server #4327).
 *
 * @returns whether a broker was running
 * @throws {CentralPostError} `unavailable` when the broker does not take the new configuration
 */
export async function reloadBroker(dataDir: string): Promise<boolean> {
  const directory = resolve(dataDir)
  await using lock = await takeReloadLock(directory)
  if ((await findRunningBroker(directory)) === null) return false
  const { own } = await writeBrokerConfig(directory)
  const deadline = performance.now() + reloadMs
  let reloads = 0
  while (performance.now() < deadline) {
    const port = await reloadOnce(directory, own.system)
    if (port === undefined) continue
    reloads += 1
    if (reloads < reloadsForNewAccount) continue
    if (await hasJetStream(port, own.probe, probeSubject, answerMs)) return true
  }
  throw new CentralPostError(
    'unavailable',
    `the broker did not take its new configuration within ${reloadMs} ms: see ${brokerPaths(directory).log}`,
  )
}

/**
 * Has the server reload its configuration once. Returns its port, or undefined when it was down or
 * too slow.
 */
async function reloadOnce(dataDir: string, system: Identity): Promise<number | undefined> {
  const state = await readBrokerState(dataDir)
  const before = state && (await configReadAt(state.port, system))
  if (!state?.pid || before === undefined || !(await isServerOf(state.pid, state.config))) {
    await delay(pauseMs)
    return undefined
  }
  process.kill(state.pid, 'SIGHUP')
  const deadline = performance.now() + oneReloadMs
  while (performance.now() < deadline) {
    const now = await configReadAt(state.port, system)
    if (now !== undefined && now !== before) return state.port
    await delay(pauseMs)
  }
  return undefined
}

/** Held while the broker's configuration is written and until it is in force. */
export function takeReloadLock(dataDir: string): Promise<LockFile> {
  return LockFile.take(brokerPaths(dataDir).reloadLock, { waitMs: lockWaitMs })
}

/** Writes the configuration file from the current identities. The caller holds the reload lock. */
export async function writeBrokerConfig(dataDir: string): Promise<AllIdentities> {
  const paths = brokerPaths(dataDir)
  const store = await CredentialStore.open(dataDir)
  const { port } = await ensureBrokerState(dataDir)
  const identities = await store.all()
  const settings = { host: loopback, port, storeDir: paths.store, logFile: paths.log }
  await writePrivateFile(paths.config, brokerConfig(identities, settings))
  return identities
}
