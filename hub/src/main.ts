import { messageOf } from '@centralpost/shared'
import { Command, CommanderError } from 'commander'
import { addBrokerCommand } from './cli/broker.ts'
import { addBrokerConfigCommand } from './cli/broker-config.ts'
import { addCheckCommand } from './cli/check.ts'
import { addClassifyCommand } from './cli/classify.ts'
import { addCredentialsCommand } from './cli/credentials.ts'
import { addDoctorCommand } from './cli/doctor.ts'
import { exitCodeOf } from './cli/exit-code.ts'
import { addHubCommand } from './cli/hub.ts'
import { addRulesCommand } from './cli/rules.ts'
import { addUpCommand } from './cli/up.ts'
import { version } from './version.ts'

/** The hub's command line: what needs the hub's own code. `centralpost` hands these commands over to it. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('centralpost')
    .description('the hub through which AI agents act on a machine')
    .version(version)
    .exitOverride()
  addUpCommand(program)
  addHubCommand(program)
  addBrokerCommand(program)
  addClassifyCommand(program)
  addRulesCommand(program)
  addCredentialsCommand(program)
  addBrokerConfigCommand(program)
  addCheckCommand(program)
  addDoctorCommand(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 64
      return
    }
    process.stderr.write(`centralpost: ${messageOf(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}
