import { Argument, type Command } from 'commander'
import { completionScripts, type Shell, shells } from './completion-scripts.ts'
import { printJson } from '../terminal/terminal.ts'

const details = `
Load it in the shell's start file:
  bash  source <(centralpost completion bash)
  zsh   source <(centralpost completion zsh)      after compinit
  fish  centralpost completion fish | source
The completion calls centralpost for its candidates, so it never goes stale, and offers the ids of waiting actions.`

/** Adds `completion`. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print the completion for your shell')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .option('--json', 'print JSON')
    .addHelpText('after', details)
    .action((shell: Shell, options: { readonly json?: boolean }) => {
      const script = completionScripts[shell]
      if (options.json) printJson({ shell, script })
      else process.stdout.write(script)
    })
}
