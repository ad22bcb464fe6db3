import { silentLogger } from '@centralpost/shared'
import type { Command } from 'commander'
import { TrustManager } from '../trust/trust-manager.ts'
import { type CommonOptions, settingsOf, withCommonOptions } from './settings.ts'

/** Adds `check`: reads settings and rules as the hub would, says what is wrong, changes nothing. */
export function addCheckCommand(program: Command): void {
  withCommonOptions(
    program.command('check').description('check settings and rules, and change nothing'),
  ).action(async (options: CommonOptions) => {
    const config = await settingsOf(options)
    const trust = await TrustManager.open({ rulesPath: config.rulesPath, log: silentLogger })
    await trust.close()
    process.stdout.write(`settings: ${config.file ?? 'none; every setting has its default'}\n`)
    process.stdout.write(`rules:    ${config.rulesPath} (${trust.policy.slice(0, 12)})\n`)
    process.stdout.write('both are good\n')
  })
}
