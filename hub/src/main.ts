import { complete, completionLines, messageOf, exitCodeOfError } from '@centralpost/shared'
import { Command, CommanderError } from 'commander'
import { version } from './version.ts'

type AddCommand = (program: Command) => void

/** Modules load on demand: `classify` starts without the hub's. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  up: async () => (await import('./cli/up.ts')).addUpCommand,
  hub: async () => (await import('./cli/hub.ts')).addHubCommand,
  broker: async () => (await import('./cli/broker.ts')).addBrokerCommand,
  'broker-config': async () => (await import('./cli/broker-config.ts')).addBrokerConfigCommand,
  classify: async () => (await import('./cli/classify.ts')).addClassifyCommand,
  rules: async () => (await import('./cli/rules.ts')).addRulesCommand,
  credentials: async () => (await import('./cli/credentials.ts')).addCredentialsCommand,
  check: async () => (await import('./cli/check.ts')).addCheckCommand,
  recover: async () => (await import('./cli/recover.ts')).addRecoverCommand,
  setup: async () => (await import('./cli/setup.ts')).addSetupCommand,
  doctor: async () => (await import('./cli/doctor.ts')).addDoctorCommand,
}

/** The command line of the hub's program. `centralpost` hands these commands over to it. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('centralpost')
    .description('the hub through which AI agents act on a machine')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(see --help)')
  const isCompletion = argv[2] === '__complete'
  const asked = commands[argv[isCompletion ? 4 : 2] ?? '']
  for (const load of asked ? [asked] : Object.values(commands)) (await load())(program)
  for (const command of program.commands) command.copyInheritedSettings(program)
  if (isCompletion) {
    const lines = completionLines(complete(program, argv.slice(4)))
    process.stdout.write(lines.map((line) => `${line}\n`).join(''))
    return
  }
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 64
      return
    }
    process.stderr.write(`centralpost: ${messageOf(error)}\n`)
    process.exitCode = exitCodeOfError(error)
  }
}
