import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CentralPostError, messageOf, silentLogger } from '@centralpost/shared'
import type { Command } from 'commander'
import { z } from 'zod'
import { explainVerdict } from '../trust/explain.ts'
import { TrustManager } from '../trust/trust-manager.ts'
import { settingsOf } from './settings.ts'

interface ClassifyOptions {
  readonly cwd?: string
  readonly json?: boolean
  readonly jsonl?: boolean
  readonly rules?: string
  readonly config?: string
}

const lineSchema = z.looseObject({ command: z.string(), cwd: z.string().optional() })

const exitCodeHelp = `
Exit codes: 0 judged, whatever the level; 64 no command; 65 with --jsonl: a line without {"command"}, which is reported in
its verdict and stops nothing; 78 bad settings or rules.`

/** Adds `classify`: judges a command, without a hub and without running it. */
export function addClassifyCommand(program: Command): void {
  program
    .command('classify')
    .description('judge a command by the rules; nothing is run')
    .argument('[command...]', 'the command; several words are quoted and joined')
    .option('--cwd <dir>', 'the working directory of the command')
    .option('--json', 'print the whole verdict as JSON')
    .option(
      '--jsonl',
      'read {"command"} lines on standard input, print one verdict a line in order',
    )
    .option('--rules <file>', 'the rule file; default: the one in the settings')
    .option('--config <file>', 'the settings')
    .allowUnknownOption()
    .addHelpText('after', exitCodeHelp)
    .action(async (words: readonly string[], options: ClassifyOptions) => {
      if (words.length === 0 && !options.jsonl) {
        throw new CentralPostError(
          'invalid_request',
          "no command to classify; give one as in: centralpost classify 'git status'",
        )
      }
      const rulesPath = options.rules ?? (await settingsOf({ data: '', ...options })).rulesPath
      await using trust = await TrustManager.open({ rulesPath, log: silentLogger })
      if (options.jsonl) return classifyLines(trust, options)
      const text = words.join(' ')
      const verdict = trust.classifyCommand(text, { cwd: options.cwd })
      process.stdout.write(options.json ? `${JSON.stringify(verdict)}\n` : explainVerdict(verdict))
    })
}

/**
 * A bad line does not stop the rest: it becomes a REVIEW with the reason, and sets the exit code.
 */
async function classifyLines(trust: TrustManager, options: ClassifyOptions): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  let waiting = ''
  for await (const line of lines) {
    if (line.trim() === '') continue
    waiting += `${JSON.stringify(classifyLine(trust, line, options))}\n`
    if (waiting.length < 65_536) continue
    if (!process.stdout.write(waiting)) await once(process.stdout, 'drain')
    waiting = ''
  }
  process.stdout.write(waiting)
}

function classifyLine(trust: TrustManager, line: string, options: ClassifyOptions): object {
  let command = line
  try {
    const parsed = lineSchema.parse(JSON.parse(line))
    command = parsed.command
    const cwd = parsed.cwd ?? options.cwd
    const { level, risk, reasons } = trust.classifyCommand(command, { cwd })
    return { command, level, risk: risk.level, reasons }
  } catch (error) {
    process.exitCode = 65
    const reason = `error: expected a line of the form {"command": "…"}: ${messageOf(error)}`
    return { command, level: 'REVIEW', risk: 'low', reasons: [reason] }
  }
}
