import { exitCodes } from '@centralpost/shared'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { runDemo } from '../demo/run-demo.ts'
import { untilStopped } from '../terminal/stop-signal.ts'
import { print, printJson, say } from '../terminal/terminal.ts'

const details = `
Starts broker and hub in a temporary directory, and three agents and an operator, each in its own process.
Read-only commands run; of the commands that change something, one is approved, one denied, one left to expire;
forbidden commands are refused. The demo changes nothing outside the temporary directory and removes it at the end.
Exit code 1 when an expected outcome is missing.`

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('show the whole path on a real directory, with agents and an operator')
    .option('--path <dir>', 'the directory for the agents to look at', '.')
    .option('--json', 'print JSON at the end; the story goes to stderr')
    .addHelpText('after', details)
    .action((options: { readonly path: string; readonly json?: boolean }) =>
      untilStopped(async (signal) => {
        try {
          const tell = options.json ? say : print
          const report = await runDemo(resolve(options.path), { signal, print: tell })
          const hasPassed = report.expectations.every(({ isMet }) => isMet)
          tell(`\n${hasPassed ? 'the demo passed' : 'the demo FAILED'}`)
          if (options.json) printJson({ passed: hasPassed, ...report })
          if (!hasPassed) process.exitCode = exitCodes.failed
        } catch (error) {
          if (!signal.aborted) throw error
          say('centralpost: the demo was stopped and has removed its files')
          process.exitCode = exitCodes.stopped
        }
      }),
    )
}
