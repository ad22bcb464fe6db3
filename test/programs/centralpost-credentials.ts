import { Command } from 'commander'
import { addCredentialsCommand } from '#hub/cli/credentials.ts'

const program = new Command('centralpost')
addCredentialsCommand(program)
await program.parseAsync()
