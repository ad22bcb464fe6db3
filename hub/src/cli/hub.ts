import { join } from 'node:path'
import {
  type BusCredentials,
  externalCredentials,
  isCentralPostError,
  findCredentials,
  type Logger,
  exitCodeOfError,
} from '@centralpost/shared'
import type { Command } from 'commander'
import { CredentialStore } from '../broker/credentials.ts'
import { EmbeddedBroker } from '../broker/embedded-broker.ts'
import { findRunningBroker } from '../broker/reload.ts'
import type { HubConfig } from '../config/hub-config.ts'
import { Hub } from '../hub.ts'
import {
  type HubCommandOptions,
  dataDirOf,
  logOf,
  printAs,
  settingsOf,
  withHubOptions,
} from './settings.ts'
import { untilStopped } from './signals.ts'
import { endWithin } from './watchdog.ts'

/** So long an ordered end may take beside what commands may still run: last writes, threads, connections. */
const longestEndMs = 25_000
/** How long a hub that has failed may take to end in order, in milliseconds. */
const longestFailedEndMs = 8000
/** How long what nobody waits for may keep the process after an ordered end, in milliseconds. */
const longestLeftoverMs = 2000
/** So much later it is killed, should it not even exit: a thread may be stuck in a call to a disk. */
const longestExitMs = 4000

/** Adds `hub`: one hub, on the broker that NATS_URL names, on one that runs on the data directory, or on its own. */
export function addHubCommand(program: Command): void {
  withHubOptions(
    program
      .command('hub')
      .description(
        'run the hub alone: on NATS_URL, or on the embedded broker of the data directory',
      ),
  ).action(async (options: HubCommandOptions) => {
    const config = await settingsOf(options)
    // commands inherit it: what they make is the owner's alone
    process.umask(0o077)
    await using opened = new AsyncDisposableStack()
    const log = logOf(options, config, 'hub')
    opened.defer(() => log.close())
    const waiting = new AbortController()
    try {
      const dataDir = dataDirOf(options)
      const broker = await ownBroker(config, dataDir, log)
      if (broker) opened.use(broker)
      const credentials = await hubCredentials(dataDir)
      if (credentials.hub.user === credentials.endpoints.user) {
        log.warn(
          'this broker was not given the generated accounts: whoever may connect can act as any agent or operator ' +
            '(centralpost broker-config writes the accounts)',
        )
      }
      // before the start: it may wait long for a broker, and is to end in order
      const stopped = untilStopped(() => process.exit(1)).then(() => waiting.abort())
      const hub = opened.use(
        await Hub.start({
          config,
          dataDir,
          credentials,
          log,
          insteadOf: options.insteadOf,
          waiting: waiting.signal,
          ...operatorCount(dataDir),
        }),
      )
      process.send?.({ serving: hub.hubId })
      const { servers } = credentials.hub
      printAs(options, `hub: ${hub.hubId} serves on ${servers.join(', ')}`, {
        hub_id: hub.hubId,
        servers,
      })
      await Promise.race([hub.closed, ...(broker ? [broker.closed] : []), stopped])
      endWithin(config.hub.stop_grace * 1000 + longestEndMs)
      log.info('hub stops')
    } catch (error) {
      if (waiting.signal.aborted && isCentralPostError(error) && error.retryable) {
        log.info('hub stops; it was waiting for its broker')
        return
      }
      endWithin(longestFailedEndMs + longestExitMs)
      log.error('the hub ends', { error })
      // a database or a broker that never answers must not keep a hub that has lost it
      setTimeout(() => process.exit(exitCodeOfError(error)), longestFailedEndMs).unref()
      throw error
    } finally {
      await opened.disposeAsync()
      // the channel to a parent would keep the process
      if (process.connected) process.disconnect()
      // all of ours is through; what a client of the broker left behind must not keep it either
      setTimeout(() => process.exit(), longestLeftoverMs).unref()
    }
  })
}

/** Only the embedded broker's operators can be counted: who else may decide through another broker is not known here. */
function operatorCount(dataDir: string): { hasSingleOperator?: () => Promise<boolean> } {
  if (externalCredentials(process.env) !== null) return {}
  return {
    hasSingleOperator: async () => {
      const store = await CredentialStore.open(dataDir)
      return (await store.list()).filter(({ kind }) => kind === 'operator').length === 1
    },
  }
}

async function ownBroker(
  config: HubConfig,
  dataDir: string,
  log: Logger,
): Promise<EmbeddedBroker | null> {
  if (externalCredentials(process.env) !== null) return null
  if ((await findRunningBroker(dataDir)) !== null) return null
  const { port } = config.broker
  return EmbeddedBroker.start({ dataDir, log, ...(port !== undefined && { port }) })
}

/** Who the hub is: one identity for the flow, and one that can answer endpoints and nothing else. */
async function hubCredentials(
  dataDir: string,
): Promise<{ hub: BusCredentials; endpoints: BusCredentials }> {
  const file = (name: string): string => join(dataDir, 'credentials', `${name}.json`)
  return {
    hub: await findCredentials(file('hub'), process.env),
    endpoints: await findCredentials(file('hub-endpoints'), process.env),
  }
}
