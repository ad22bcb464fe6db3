import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LogLevel } from '@centralpost/shared'
import { type ClosableLogger, openLog } from '@centralpost/shared/file-logger'
import { type Command, Option } from 'commander'
import type { HubConfig } from '../config/hub-config.ts'
import { loadHubConfig } from '../config/load-hub-config.ts'

export interface CommonOptions {
  readonly data: string
  readonly config?: string
  readonly logLevel?: LogLevel
  readonly json?: boolean
}

/** Options of commands that start a hub. */
export interface HubCommandOptions extends CommonOptions {
  readonly insteadOf?: string
}

/** The rule file shipped with CentralPost. */
export const shippedRules = fileURLToPath(
  new URL('../../../config/trust_rules.yaml', import.meta.url),
)

/** `--data`, `--config` and `--log-level`, common to long-running commands. */
export function withCommonOptions(command: Command): Command {
  return command
    .option(
      '--data <dir>',
      'the data directory (env: CENTRALPOST_DATA)',
      process.env['CENTRALPOST_DATA'] ?? '.centralpost',
    )
    .option(
      '--config <file>',
      'the settings; default: config/centralpost.yaml if it exists (env: CENTRALPOST_CONFIG)',
    )
    .option('--json', 'print JSON')
    .addOption(
      new Option('--log-level <level>', 'log level; default: from the settings').choices([
        'error',
        'warn',
        'info',
        'debug',
      ]),
    )
}

/** The options of a command that starts a hub. */
export function withHubOptions(command: Command): Command {
  return withCommonOptions(command).option(
    '--instead-of <ledger>',
    'take over the broker from a permanently lost ledger, whose actions are then unknown',
  )
}

/** @throws {CentralPostError} `invalid_config` */
export function settingsOf(options: CommonOptions): Promise<HubConfig> {
  return loadHubConfig({
    file: options.config ?? process.env['CENTRALPOST_CONFIG'],
    cwd: process.cwd(),
    shippedRules,
    historyUrl: process.env['CENTRALPOST_HISTORY_URL'],
  })
}

/** Prints a line for a person, or JSON for a program. */
export function printAs(options: Pick<CommonOptions, 'json'>, line: string, value: object): void {
  process.stdout.write(`${options.json ? JSON.stringify(value) : line}\n`)
}

export function dataDirOf(options: CommonOptions): string {
  return resolve(options.data)
}

/** The log of a long-running process: JSON in the data directory, readable on stderr. */
export function logOf(
  options: CommonOptions,
  config: HubConfig,
  component: string,
): ClosableLogger {
  return openLog({
    component,
    level: options.logLevel ?? config.log.level,
    file: join(dataDirOf(options), 'logs', `${component}.log`),
    terminal: true,
  })
}
