import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'

/** The commands that the hub's own program does, with the line that --help shows. */
export const hubCommands: ReadonlyMap<string, string> = new Map([
  ['up', 'start broker, hub and console on this machine and stay up'],
  ['hub', 'start only the hub, on the broker of NATS_URL or of the data directory'],
  ['broker', 'start only the embedded broker'],
  ['classify', 'say how a command would be judged, and why (needs no hub)'],
  ['check', 'check configuration and rules (needs no hub)'],
  ['credentials', 'add, show, list and revoke agents and operators'],
  ['broker-config', 'write the accounts of all identities for a nats-server of your own'],
  ['recover', 'go on without a database or a key that is lost'],
  ['doctor', 'look for what is missing or wrong on this machine'],
])

export const hubMissing =
  'the hub is not installed beside this command: run `npm install` in the folder of CentralPost'

/** What the hub's own program does with rule files; the rest of `rules` is an operator's. */
export const ruleFileCommands: ReadonlyMap<string, string> = new Map([
  ['lint', 'check a rule file, and warn of what is probably not meant'],
  ['test', 'check that one command gets the level that is expected'],
  ['recheck', 'show what of the history a rule file would have decided otherwise'],
])

/** Whether these arguments are for the hub's own program. */
export function asksForHub([command = '', ...words]: readonly string[]): boolean {
  if (command === 'rules') return words.some((word) => ruleFileCommands.has(word))
  return hubCommands.has(command)
}

/** Where the hub's program is installed. Only its path is known here: hub and agents share nothing but the bus. */
export function findHubProgram(): string | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', '@centralpost', 'hub', 'bin', 'centralpost-hub.js')
    if (existsSync(path)) return path
    if (dirname(folder) === folder) return undefined
  }
}

/** Lets the hub's program take over: same arguments, terminal, signals and exit code. */
export async function handOver(args: readonly string[]): Promise<void> {
  const program = findHubProgram()
  if (program === undefined) {
    process.stderr.write(`centralpost: ${hubMissing}\n`)
    process.exitCode = 69
    return
  }
  const command = [process.execPath, ...process.execArgv, program, ...args]
  // takes this process's place, so that signals and exit code need no forwarding; not there on Windows
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
