import type { Command } from 'commander'
import { recoverHistory } from '../start/recover-history.ts'
import {
  type CommonOptions,
  dataDirOf,
  logOf,
  printAs,
  settingsOf,
  withCommonOptions,
} from './settings.ts'

interface Options extends CommonOptions {
  readonly startAnew?: boolean
}

/** Adds `recover`: goes on without what was lost of a data directory. */
export function addRecoverCommand(program: Command): void {
  withCommonOptions(
    program
      .command('recover')
      .description('go on without a database or a key that is lost (the hub must be stopped)')
      .option('--start-anew', 'also put aside a database that is damaged but can be opened'),
  ).action(async (options: Options) => {
    const config = await settingsOf(options)
    const log = logOf(options, config, 'recover')
    try {
      const dataDir = dataDirOf(options)
      const startAnew = options.startAnew ?? false
      const { done } = await recoverHistory({ dataDir, config, startAnew, log })
      for (const line of done) log.warn(line)
      const text = done.length === 0 ? 'there is nothing to recover' : done.join('\n')
      printAs(options, text, { done })
    } finally {
      await log.close()
    }
  })
}
