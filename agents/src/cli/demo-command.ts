import { exitCodes } from '@centralpost/shared'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { runDemo } from '../demo/run-demo.ts'
import { untilStopped } from '../terminal/stop-signal.ts'
import { print, printJson, say } from '../terminal/terminal.ts'

const details = `
Starts broker and hub in a temporary directory, three agents and an operator, each a process of its own.
Commands that look are run; one that changes something is approved, one denied, one left to expire; what
must never run is refused. Nothing outside the temporary directory is changed, and nothing is left behind.
Exit code 1 when something did not happen that had to.`

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('show the whole path on a real directory, with agents and an operator')
    .option('--path <dir>', 'the directory that the agents look at', '.')
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
          say('centralpost: the demo was stopped; nothing is left behind')
          process.exitCode = exitCodes.stopped
        }
      }),
    )
}
