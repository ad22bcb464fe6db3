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
import { untilAskedToStop } from './signals.ts'
import { endWithin } from './watchdog.ts'

/**
 * Time for an orderly stop beyond running commands, in milliseconds: last writes, threads,
 * connections.
 */
const longestEndMs = 25_000
/** Time for an orderly stop of a failed hub, in milliseconds. */
const longestFailedEndMs = 8000
/** How long leftover handles may keep the process after an orderly stop, in milliseconds. */
const longestLeftoverMs = 2000
/** Delay before a stuck process is killed, in milliseconds: a thread may hang in disk I/O. */
const longestExitMs = 4000

/**
 * Adds `hub`: one hub, on the broker of NATS_URL, on the one that runs on the data directory, or on
 * its own.
 */
export function addHubCommand(program: Command): void {
  withHubOptions(
    program
      .command('hub')
      .description(
        'run the hub alone: on NATS_URL, or on the embedded broker of the data directory',
      ),
  ).action(async (options: HubCommandOptions) => {
    const config = await settingsOf(options)
    // inherited by commands: their files belong to the owner alone
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
          'this broker does not use the generated accounts: any client that can connect can act ' +
            'as any agent or operator (centralpost broker-config writes the accounts)',
        )
      }
      // before the start, which may wait long for a broker and must stop in order
      const stopped = untilAskedToStop(() => process.exit(1)).then(() => waiting.abort())
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
      // a hub that has lost its database or broker must not hang on it
      setTimeout(() => process.exit(exitCodeOfError(error)), longestFailedEndMs).unref()
      throw error
    } finally {
      await opened.disposeAsync()
      // an open IPC channel would keep the process alive
      if (process.connected) process.disconnect()
      // all work is done; leftovers of the broker's client must not keep the process alive
      setTimeout(() => process.exit(), longestLeftoverMs).unref()
    }
  })
}

/** Only operators of the embedded broker can be counted: an external broker may have others. */
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

/** The hub's credentials: one identity for the flow, and one that can only answer endpoints. */
async function hubCredentials(
  dataDir: string,
): Promise<{ hub: BusCredentials; endpoints: BusCredentials }> {
  const file = (name: string): string => join(dataDir, 'credentials', `${name}.json`)
  return {
    hub: await findCredentials(file('hub'), process.env),
    endpoints: await findCredentials(file('hub-endpoints'), process.env),
  }
}
