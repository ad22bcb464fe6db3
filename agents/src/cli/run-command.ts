import { messageOf, visible, exitCodes, exitCodeOfError } from '@centralpost/shared'
import { CommanderError } from 'commander'
import { config } from 'zod'
import { commandLine } from './command-line.ts'
import { say } from '../terminal/terminal.ts'

/** Runs a command of this program; prints a failure as one line and sets the exit code. */
export async function runCommand(args: readonly string[]): Promise<void> {
  // each message is read once or twice: compiling its schema costs more than it saves
  config({ jitless: true })
  // a reader that has gone (`centralpost tail | head`) is not an error
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.storage)
  })
  try {
    const program = await commandLine(args[0])
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
      return
    }
    say(`centralpost: ${visible(messageOf(error), { lines: true })}`)
    process.exitCode = exitCodeOfError(error)
  }
}
