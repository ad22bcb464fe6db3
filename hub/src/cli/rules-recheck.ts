import { join } from 'node:path'
import { CentralPostError, silentLogger, type TrustLevel } from '@centralpost/shared'
import type { Command } from 'commander'
import { eachJudgedCommand } from '../history/ledger/judged-commands.ts'
import { TrustManager } from '../trust/trust-manager.ts'
import { type CommonOptions, dataDirOf } from './settings.ts'

interface Options extends CommonOptions {
  readonly json?: boolean
}

/** A recorded command that another rule file judges differently. */
interface Difference {
  readonly command: string
  readonly cwd: string
  readonly times: number
  readonly was: TrustLevel
  readonly would: TrustLevel
  readonly reasons: readonly string[]
}

const strictness: Readonly<Record<TrustLevel, number>> = { SAFE: 0, REVIEW: 1, BLOCKED: 2 }

/**
 * Adds `rules recheck`: replays the recorded commands against a rule file before it is put in
 * force.
 */
export function addRecheckCommand(rules: Command): void {
  rules
    .command('recheck')
    .description(
      'show which recorded commands a rule file would judge differently; exit code 1 if there are any',
    )
    .argument('<file>', 'the changed rule file')
    .option(
      '--data <dir>',
      'the data directory whose history is replayed (env: CENTRALPOST_DATA)',
      process.env['CENTRALPOST_DATA'] ?? '.centralpost',
    )
    .option('--json', 'print JSON')
    .action(async (file: string, options: Options) => {
      await using trust = await TrustManager.open({ rulesPath: file, log: silentLogger })
      const dataDir = dataDirOf(options)
      const path = join(dataDir, 'hub.db')
      const differences: Difference[] = []
      let replayed = 0
      for await (const row of eachJudgedCommand(path)) {
        replayed += row.times
        const { command, argv, cwd, env, level: was, times } = row
        const { level: would, reasons } = trust.classifyCommand(argv ?? command, {
          cwd,
          env,
          protectedPaths: [dataDir],
        })
        if (would !== was) differences.push({ command, cwd, times, was, would, reasons })
      }
      if (replayed === 0) {
        throw new CentralPostError('not_found', `${path} holds no judged command to replay`)
      }
      differences.sort((a, b) => strictness[a.would] - strictness[b.would] || b.times - a.times)
      if (differences.length > 0) process.exitCode = 1
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ replayed, differences })}\n`
          : shown(replayed, differences),
      )
    })
}

function shown(replayed: number, differences: readonly Difference[]): string {
  const lines = differences.map(
    ({ command, times, was, would, reasons }) =>
      `${was.padEnd(7)} → ${would.padEnd(7)} ${String(times).padStart(5)}×  ${JSON.stringify(command)}: ${reasons[0] ?? ''}`,
  )
  const sum =
    differences.length === 0
      ? `${replayed} recorded commands would all be judged as before`
      : `${differences.length} different commands of ${replayed} recorded would be judged differently`
  return `${[...lines, sum].join('\n')}\n`
}
