import { silentLogger } from '@centralpost/shared'
import type { Command } from 'commander'
import { TrustManager } from '../trust/trust-manager.ts'
import { type CommonOptions, printAs, settingsOf, withCommonOptions } from './settings.ts'

/** Adds `check`: reads settings and rules as the hub would, reports problems, changes nothing. */
export function addCheckCommand(program: Command): void {
  withCommonOptions(
    program.command('check').description('check settings and rules, and change nothing'),
  ).action(async (options: CommonOptions) => {
    const config = await settingsOf(options)
    const trust = await TrustManager.open({ rulesPath: config.rulesPath, log: silentLogger })
    await trust.close()
    const lines = [
      `settings: ${config.file ?? 'none; every setting has its default'}`,
      `rules:    ${config.rulesPath} (${trust.policy.slice(0, 12)})`,
      'both are good',
    ]
    printAs(options, lines.join('\n'), {
      settings: config.file,
      rules: config.rulesPath,
      policy: trust.policy,
    })
  })
}
