import { readFileSync } from 'node:fs'
import { messageOf } from '@centralpost/shared'
import { Command, CommanderError } from 'commander'
import { visible } from '../visible.ts'
import { addAgentCommand } from './agent-command.ts'
import { addDecideCommands } from './decide-commands.ts'
import { addDemoCommand } from './demo-command.ts'
import { exitCodeHelp, exitCodeOfError, exitCodes } from './exit-codes.ts'
import { addHistoryCommand } from './history-command.ts'
import { handOver, hubCommands } from './hub-commands.ts'
import { addPendingCommand } from './pending-command.ts'
import { addRequestCommand } from './request-command.ts'
import { addResultCommand } from './result-command.ts'
import { addTailCommand } from './tail-command.ts'
import { say } from './terminal.ts'

/** The command line: finds the command and runs it. The exit code is left in `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  // a reader that left (`centralpost tail | head`) is no fault
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.storage)
  })
  try {
    const [first = '', second = ''] = args
    if (hubCommands.has(first)) await handOver(args)
    else if (first === 'help' && hubCommands.has(second)) await handOver([second, '--help'])
    else await commandLine().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
      return
    }
    say(`centralpost: ${visible(messageOf(error), { lines: true })}`)
    process.exitCode = exitCodeOfError(error)
  }
}

function commandLine(): Command {
  const program = new Command('centralpost')
    .description('The hub through which AI agents act on a machine')
    .version(version())
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(centralpost --help lists what there is)')
    .addHelpText('after', exitCodeHelp)
  program.commandsGroup('Run:')
  addHubCommands(program, ['up', 'hub', 'broker'])
  addDemoCommand(program)
  program.commandsGroup('Ask, as an agent:')
  addRequestCommand(program)
  addAgentCommand(program)
  program.commandsGroup('Decide, as an operator:')
  addPendingCommand(program)
  addDecideCommands(program)
  program.commandsGroup('Look, as an operator:')
  addResultCommand(program)
  addTailCommand(program)
  addHistoryCommand(program)
  program.commandsGroup('Set up and check:')
  addHubCommands(program, ['classify', 'rules', 'check', 'credentials', 'doctor'])
  return program
}

/** For --help only: what they do is the hub's. */
function addHubCommands(program: Command, names: readonly string[]): void {
  for (const name of names) {
    program
      .command(`${name} [args...]`)
      .description(hubCommands.get(name) ?? '')
      .allowUnknownOption()
      .helpOption(false)
      .action(() => handOver([name]))
  }
}

function version(): string {
  const path = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
