import { silentLogger } from '@centralpost/shared'
import { Argument, type Command } from 'commander'
import { loadTrustRules } from '../trust/load-trust-rules.ts'
import { TrustManager } from '../trust/trust-manager.ts'
import { addRecheckCommand } from './rules-recheck.ts'
import { settingsOf } from './settings.ts'

interface RulesOptions {
  readonly json?: boolean
  readonly config?: string
}

interface ExpectOptions extends RulesOptions {
  readonly rules?: string
}

const exitFailed = 1

/**
 * Adds `rules lint`, `rules test` and `rules recheck`, which check a rule file and its verdicts.
 */
export function addRulesCommand(program: Command): void {
  const rules = program.command('rules').description('check the trust rules')
  rules
    .command('lint')
    .description(
      'check a rule file: its form, its patterns, its own tests; warn of probable mistakes',
    )
    .argument('[file]', 'the rule file; default: the one in the settings')
    .option('--json', 'print JSON')
    .option('--config <file>', 'the settings')
    .action(async (file: string | undefined, options: RulesOptions) => {
      const path = file ?? (await settingsOf({ data: '', ...options })).rulesPath
      const { counts, policy, warnings } = await loadTrustRules(path)
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ path, policy: policy.hash, counts, warnings })}\n`)
        return
      }
      for (const { file: name, line, message } of warnings) {
        process.stdout.write(`${name}:${line}: warning: ${message}\n`)
      }
      const { safe, review, blocked } = counts
      process.stdout.write(`${path}: good (${safe} safe, ${review} review, ${blocked} blocked)\n`)
    })
  rules
    .command('test')
    .description('check that a command gets the expected level')
    .addArgument(new Argument('<level>', 'the level').choices(['safe', 'review', 'blocked']))
    .argument('<command>', 'the command as one argument')
    .option('--rules <file>', 'the rule file; default: the one in the settings')
    .option('--json', 'print JSON')
    .option('--config <file>', 'the settings')
    .action(async (level: string, command: string, options: ExpectOptions) => {
      const rulesPath = options.rules ?? (await settingsOf({ data: '', ...options })).rulesPath
      await using trust = await TrustManager.open({ rulesPath, log: silentLogger })
      const verdict = trust.classifyCommand(command)
      const passed = verdict.level === level.toUpperCase()
      if (!passed) process.exitCode = exitFailed
      const result = {
        command,
        expected: level.toUpperCase(),
        level: verdict.level,
        reasons: verdict.reasons,
      }
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ ...result, passed })}\n`
          : `${passed ? 'as expected' : 'NOT as expected'}: ${verdict.level} (${verdict.reasons[0] ?? ''})\n`,
      )
    })
  addRecheckCommand(rules)
}
