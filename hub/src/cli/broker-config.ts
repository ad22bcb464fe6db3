import { join } from 'node:path'
import { CentralPostError } from '@centralpost/shared'
import type { Command } from 'commander'
import { brokerConfig } from '../broker/broker-config.ts'
import { brokerPaths, urlOfPort, writeBrokerState } from '../broker/broker-state.ts'
import { CredentialStore } from '../broker/credentials.ts'
import { makePrivateFolder, writePrivateFile } from '@centralpost/shared/private-files'
import { findRunningBroker } from '../broker/reload.ts'
import { type CommonOptions, dataDirOf, printAs } from './settings.ts'

interface Options extends CommonOptions {
  readonly listen: string
}

/** Adds `broker-config`: the configuration with all identities, for an external nats-server. */
export function addBrokerConfigCommand(program: Command): void {
  program
    .command('broker-config')
    .description('write the accounts of all identities as a configuration for your own nats-server')
    .option(
      '--data <dir>',
      'the data directory (env: CENTRALPOST_DATA)',
      process.env['CENTRALPOST_DATA'] ?? '.centralpost',
    )
    .option('--json', 'print JSON')
    .option('--listen <host:port>', 'address for that server to listen on', '127.0.0.1:4222')
    .addHelpText(
      'after',
      '\nStart that server with `nats-server -c DIR/broker/external.conf`. After ' +
        '`credentials add`, write the file again and reload the server (`nats-server --signal ' +
        'reload`). The hub finds it by NATS_URL; agents and operators by the credentials in DIR, without NATS_URL.',
    )
    .action(async (options: Options) => {
      const dataDir = dataDirOf(options)
      const [, host, port] = /^(.+):(\d{1,5})$/.exec(options.listen) ?? []
      if (host === undefined || Number(port) > 65_535) {
        throw new CentralPostError(
          'invalid_request',
          `--listen: "${options.listen}" is not HOST:PORT, such as 127.0.0.1:4222`,
        )
      }
      const paths = brokerPaths(dataDir)
      const file = join(paths.folder, 'external.conf')
      await makePrivateFolder(dataDir)
      await makePrivateFolder(paths.folder)
      const running = await findRunningBroker(dataDir)
      if (running) {
        throw new CentralPostError(
          'conflict',
          `the embedded broker of ${dataDir} runs on ${running.url}: stop it first, or name another directory with --data`,
        )
      }
      const url = urlOfPort(Number(port))
      await writeBrokerState(dataDir, { url, port: Number(port), config: file })
      const store = await CredentialStore.open(dataDir)
      await store.moveTo(url)
      await store.ensure('operator', 'operator')
      await store.ensure('agent', 'cli')
      const settings = { host, port: Number(port), storeDir: paths.store }
      await writePrivateFile(file, brokerConfig(await store.all(), settings))
      printAs(options, file, { file, url })
    })
}
