import { exitCodeHelp } from '@centralpost/shared'
import { Command } from 'commander'
import { addAgentCommand } from './agent-command.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addConsoleCommand } from './console-command.ts'
import { addDecideCommands } from './decide-commands.ts'
import { addDemoCommand } from './demo-command.ts'
import { addHistoryCommand } from './history-command.ts'
import { hubCommands } from './hub-commands.ts'
import { addNotifyCommand } from './notify-command.ts'
import { addPatternsCommand } from './patterns-command.ts'
import { addPendingCommand } from './pending-command.ts'
import { addProposalsCommand } from './proposals-command.ts'
import { addRequestCommand } from './request-command.ts'
import { addResultCommand } from './result-command.ts'
import { addRulesCommand } from './rules-command.ts'
import { addTailCommand } from './tail-command.ts'
import { version } from './version.ts'

/** All commands, in the order of --help. */
export function commandLine(): Command {
  const program = new Command('centralpost')
    .description('The hub through which AI agents act on a machine')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(centralpost --help lists the commands)')
    .addHelpText('after', exitCodeHelp)
  program.commandsGroup('Run:')
  addHubCommands(program, ['up', 'hub', 'broker'])
  addConsoleCommand(program)
  addDemoCommand(program)
  program.commandsGroup('Request actions, as an agent:')
  addRequestCommand(program)
  addAgentCommand(program)
  program.commandsGroup('Approve or deny, as an operator:')
  addPendingCommand(program)
  addDecideCommands(program)
  addProposalsCommand(program)
  addNotifyCommand(program)
  program.commandsGroup('Inspect, as an operator:')
  addResultCommand(program)
  addTailCommand(program)
  addHistoryCommand(program)
  addPatternsCommand(program)
  program.commandsGroup('Set up and check:')
  addHubCommands(program, ['classify'])
  addRulesCommand(program)
  addHubCommands(program, ['check', 'credentials', 'broker-config', 'doctor', 'recover'])
  addCompletionCommand(program)
  for (const command of program.commands)
    nameOwnHelp(command, `${program.name()} ${command.name()}`)
  return program
}

/** A usage error names the help of its command. */
function nameOwnHelp(command: Command, words: string): void {
  command.showHelpAfterError(`(see ${words} --help)`)
  for (const inner of command.commands) nameOwnHelp(inner, `${words} ${inner.name()}`)
}

/**
 * For --help only: the hub's program runs these commands, so their actions are never called here.
 */
function addHubCommands(program: Command, names: readonly string[]): void {
  for (const name of names) {
    program
      .command(`${name} [args...]`)
      .description(hubCommands.get(name) ?? '')
      .allowUnknownOption()
      .helpOption(false)
  }
}
