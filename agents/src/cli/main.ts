import { completeWord } from './completion-scripts.ts'
import { asksForHub } from './hub-commands.ts'
import { handOver } from '../hub-program.ts'

/**
 * The command line: hands a command to the hub's program or runs it. Sets `process.exitCode`.
 * Modules load on demand, for a quick start.
 */
export async function main(args: readonly string[]): Promise<void> {
  const [first = '', second = ''] = args
  if (asksForHub(args)) return handOver(args)
  if (first === 'help' && asksForHub([second])) return handOver([second, '--help'])
  if (first === completeWord) {
    const words = args.slice(2)
    if (asksForHub(words.slice(0, -1))) return handOver(args)
    const { completeWords } = await import('./complete-words.ts')
    return completeWords(words)
  }
  const { runCommand } = await import('./run-command.ts')
  return runCommand(args)
}
