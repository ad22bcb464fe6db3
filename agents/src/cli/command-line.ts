import { exitCodeHelp } from '@centralpost/shared'
import { Command } from 'commander'
import { hubCommands } from './hub-commands.ts'
import { version } from './version.ts'

type AddCommand = (program: Command) => void

interface CommandSource {
  readonly names: readonly string[]
  /** loads the module that adds them; absent: they are the hub's, and listed for --help only */
  readonly load?: () => Promise<AddCommand>
}

const ofHub = (...names: string[]): CommandSource => ({ names })
const own = (load: () => Promise<AddCommand>, ...names: string[]): CommandSource => ({
  names,
  load,
})

/** All commands by heading, in the order of --help. */
const groups: readonly (readonly [heading: string, sources: readonly CommandSource[]])[] = [
  [
    'Run:',
    [
      ofHub('up', 'hub', 'broker'),
      own(async () => (await import('./console-command.ts')).addConsoleCommand, 'console'),
      own(async () => (await import('./demo-command.ts')).addDemoCommand, 'demo'),
    ],
  ],
  [
    'Request actions, as an agent:',
    [
      own(async () => (await import('./request-command.ts')).addRequestCommand, 'request'),
      own(async () => (await import('./agent-command.ts')).addAgentCommand, 'agent'),
    ],
  ],
  [
    'Approve or deny, as an operator:',
    [
      own(async () => (await import('./pending-command.ts')).addPendingCommand, 'pending'),
      own(
        async () => (await import('./decide-commands.ts')).addDecideCommands,
        'approve',
        'deny',
        'cancel',
      ),
      own(async () => (await import('./proposals-command.ts')).addProposalsCommand, 'proposals'),
      own(async () => (await import('./notify-command.ts')).addNotifyCommand, 'notify'),
    ],
  ],
  [
    'Inspect, as an operator:',
    [
      own(async () => (await import('./result-command.ts')).addResultCommand, 'result'),
      own(async () => (await import('./tail-command.ts')).addTailCommand, 'tail'),
      own(async () => (await import('./history-command.ts')).addHistoryCommand, 'history'),
      own(async () => (await import('./patterns-command.ts')).addPatternsCommand, 'patterns'),
    ],
  ],
  [
    'Set up and check:',
    [
      ofHub('classify'),
      own(async () => (await import('./rules-command.ts')).addRulesCommand, 'rules'),
      ofHub('check', 'credentials', 'broker-config', 'setup', 'doctor', 'recover'),
      own(async () => (await import('./completion-command.ts')).addCompletionCommand, 'completion'),
    ],
  ],
]

/**
 * The command line with its commands.
 *
 * @param asked the first argument: only the module of that command is loaded; all are when it is no command
 */
export async function commandLine(asked = ''): Promise<Command> {
  const program = new Command('centralpost')
    .description('The hub through which AI agents act on a machine')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(centralpost --help lists the commands)')
    .addHelpText('after', exitCodeHelp)
  if (asked === '--version' || asked === '-V') return program
  const sources = groups.flatMap(([, all]) => all)
  const one = sources.filter(({ names, load }) => load && names.includes(asked))
  const wanted = one.length > 0 ? one : sources
  const adders = new Map(
    await Promise.all(wanted.map(async (source) => [source, await source.load?.()] as const)),
  )
  for (const [heading, all] of groups) {
    program.commandsGroup(heading)
    for (const source of all.filter((some) => adders.has(some))) {
      const add = adders.get(source)
      if (add) add(program)
      else addHubCommands(program, source.names)
    }
  }
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
