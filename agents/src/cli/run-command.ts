import { messageOf, visible, exitCodes, exitCodeOfError } from '@centralpost/shared'
import { CommanderError } from 'commander'
import { commandLine } from './command-line.ts'
import { say } from '../terminal/terminal.ts'

/** Runs a command of this program; prints a failure as one line and sets the exit code. */
export async function runCommand(args: readonly string[]): Promise<void> {
  // a reader that has gone (`centralpost tail | head`) is not an error
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.storage)
  })
  try {
    await commandLine().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage
      return
    }
    say(`centralpost: ${visible(messageOf(error), { lines: true })}`)
    process.exitCode = exitCodeOfError(error)
  }
}
