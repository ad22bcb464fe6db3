import type { Command } from 'commander'
import { EmbeddedBroker } from '../broker/embedded-broker.ts'
import {
  type CommonOptions,
  dataDirOf,
  logOf,
  printAs,
  settingsOf,
  withCommonOptions,
} from './settings.ts'
import { untilAskedToStop } from './signals.ts'

/** Adds `broker`: the embedded broker alone, for a separately started hub. */
export function addBrokerCommand(program: Command): void {
  withCommonOptions(program.command('broker').description('run the embedded broker alone')).action(
    async (options: CommonOptions) => {
      const config = await settingsOf(options)
      await using opened = new AsyncDisposableStack()
      const log = logOf(options, config, 'broker')
      opened.defer(() => log.close())
      const { port } = config.broker
      const broker = opened.use(
        await EmbeddedBroker.start({
          dataDir: dataDirOf(options),
          log,
          ...(port !== undefined && { port }),
        }),
      )
      printAs(options, `broker: ${broker.url}`, { broker: broker.url })
      await Promise.race([broker.closed, untilAskedToStop(() => process.exit(1))])
    },
  )
}
