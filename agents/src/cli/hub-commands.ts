import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The commands of the hub's own program, with their lines for --help. */
export const hubCommands: ReadonlyMap<string, string> = new Map([
  ['up', 'start broker, hub and console on this machine and keep them running'],
  ['hub', 'start only the hub, on the broker of NATS_URL or of the data directory'],
  ['broker', 'start only the embedded broker'],
  ['classify', 'show how a command would be judged, and why (needs no hub)'],
  ['check', 'check configuration and rules (needs no hub)'],
  ['credentials', 'add, show, list and revoke agents and operators'],
  ['broker-config', 'write the accounts of all identities for your own nats-server'],
  ['recover', 'start even if a database or key is lost'],
  ['doctor', 'check this machine for missing or broken parts'],
])

export const hubMissing =
  'the hub is not installed beside this command: run `npm install` in the folder of ' +
  'CentralPost'

/** `rules` commands of the hub's program; the other `rules` commands need an operator. */
export const ruleFileCommands: ReadonlyMap<string, string> = new Map([
  ['lint', 'check a rule file, and warn of probable mistakes'],
  ['test', 'check that a command gets the expected level'],
  ['recheck', 'show which past commands a rule file would decide differently'],
])

/** Whether the hub's program handles these arguments. */
export function asksForHub([command = '', ...words]: readonly string[]): boolean {
  if (command === 'rules') return words.some((word) => ruleFileCommands.has(word))
  return hubCommands.has(command)
}

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
