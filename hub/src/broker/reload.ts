import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import { type BrokerConfig, brokerConfig } from './broker-config.ts'
import { brokerPaths, readBrokerState } from './broker-state.ts'
import { CredentialStore } from './credentials.ts'
import { writePrivateFile } from './files.ts'
import { livingHolder, LockFile } from './lock-file.ts'
import { loopback } from './ports.ts'
import { letsIn } from './probe.ts'
import { isServerOf } from './stale-server.ts'

const reloadMs = 15_000
const lockWaitMs = 60_000
const looksPerSignal = 25
const pauseMs = 20

/** The embedded broker of a data directory while its parent lives, also in the moments in which it is being restarted. */
export async function findRunningBroker(dataDir: string): Promise<{ url: string } | null> {
  const state = await readBrokerState(resolve(dataDir))
  if (state?.pid === undefined) return null
  const holder = await livingHolder(brokerPaths(resolve(dataDir)).lock)
  return holder ? { url: state.url } : null
}

/**
 * Makes a running broker know the identities of its data directory as they are now, from any process. Nobody is
 * disconnected but those who were revoked. Resolves when the broker works by them.
 *
 * @returns whether there was a running broker
 * @throws {CentralPostError} `unavailable` when the broker does not take the new configuration
 */
export async function reloadBroker(dataDir: string): Promise<boolean> {
  const directory = resolve(dataDir)
  await using lock = await takeReloadLock(directory)
  if ((await findRunningBroker(directory)) === null) return false
  const { probe } = await writeBrokerConfig(directory)
  const deadline = Date.now() + reloadMs
  while (Date.now() < deadline) {
    // Signalled anew now and then: a server that was just being restarted may have read the older file.
    const port = await signalServer(directory)
    for (let look = 0; look < looksPerSignal; look += 1) {
      if (port !== undefined && (await letsIn(port, loopback, probe))) return true
      await delay(pauseMs)
    }
  }
  throw new CentralPostError(
    'unavailable',
    `the broker did not take its new configuration within ${reloadMs} ms: see ${brokerPaths(directory).log}`,
  )
}

/** Held by whoever writes the broker's configuration until the broker works by it. */
export function takeReloadLock(dataDir: string): Promise<LockFile> {
  return LockFile.take(brokerPaths(dataDir).reloadLock, { waitMs: lockWaitMs })
}

/** Writes the configuration file from the identities as they are now. The caller holds the reload lock. */
export async function writeBrokerConfig(dataDir: string): Promise<BrokerConfig> {
  const paths = brokerPaths(dataDir)
  const store = await CredentialStore.open(dataDir)
  const state = await readBrokerState(dataDir)
  const config = brokerConfig(await store.all(), {
    host: loopback,
    port: state?.port ?? 0,
    storeDir: paths.store,
    logFile: paths.log,
  })
  await writePrivateFile(paths.config, config.text)
  return config
}

/** Tells the server to read its configuration again; its port, or undefined while it is down. */
async function signalServer(dataDir: string): Promise<number | undefined> {
  const state = await readBrokerState(dataDir)
  if (state?.pid === undefined || !(await isServerOf(state.pid, state.config))) return undefined
  process.kill(state.pid, 'SIGHUP')
  return state.port
}
