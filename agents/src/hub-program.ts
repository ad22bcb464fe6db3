import { fileURLToPath } from 'node:url'
import { constants } from 'node:os'
import { spawn } from 'node:child_process'

export const hubMissing =
  'the hub is not installed beside this command: run `npm install` in the folder of ' +
  'CentralPost'

/**
 * The path of the hub's program. The command line knows only its path: hub and agents share nothing
 * but the bus.
 */
export function findHubProgram(): string | undefined {
  try {
    return fileURLToPath(import.meta.resolve('@centralpost/hub/program'))
  } catch {
    // the agents are installed alone
    return undefined
  }
}

/** Hands over to the hub's program: same arguments, terminal, signals and exit code. */
export async function handOver(args: readonly string[]): Promise<void> {
  const program = findHubProgram()
  if (program === undefined) {
    process.stderr.write(`centralpost: ${hubMissing}\n`)
    process.exitCode = 69
    return
  }
  const command = [process.execPath, ...process.execArgv, program, ...args]
  // execve replaces this process, so signals and exit code need no forwarding; not available on
  // Windows
  if (process.execve) process.execve(process.execPath, command, definedOnly(process.env))
  const child = spawn(process.execPath, command.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  child.once('error', reject)
  child.once('exit', (code, signal) =>
    resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
  )
  process.exitCode = await promise
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
