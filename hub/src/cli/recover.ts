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

/** Adds `recover`: continues without lost files of a data directory. */
export function addRecoverCommand(program: Command): void {
  withCommonOptions(
    program
      .command('recover')
      .description('continue without a lost database or key (the hub must be stopped)')
      .option('--start-anew', 'also set aside a damaged database that can still be opened'),
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
