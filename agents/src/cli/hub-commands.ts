import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { CentralPostError } from '@centralpost/shared'

/** The commands that the hub's own program does, with the line that --help shows. */
export const hubCommands: ReadonlyMap<string, string> = new Map([
  ['up', 'start broker and hub on this machine and stay up'],
  ['hub', 'start only the hub, on the broker of NATS_URL or of the data directory'],
  ['broker', 'start only the embedded broker'],
  ['classify', 'say how a command would be judged, and why (needs no hub)'],
  ['rules', 'check and try the trust rules (needs no hub)'],
  ['check', 'check configuration and rules (needs no hub)'],
  ['credentials', 'add, show, list and revoke agents and operators'],
  ['doctor', 'look for what is missing or wrong on this machine'],
])

/**
 * Where the hub's program is installed. Only its path is known here: hub and agents share nothing but the bus.
 *
 * @throws {CentralPostError} `not_found` saying how to install it
 */
export function findHubProgram(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', '@centralpost', 'hub', 'bin', 'centralpost-hub.js')
    if (existsSync(path)) return path
    if (dirname(folder) === folder) {
      throw new CentralPostError(
        'not_found',
        'the hub is not installed beside this command: run `npm install` in the folder of CentralPost',
      )
    }
  }
}

/** Lets the hub's program take over: same arguments, terminal, signals and exit code. */
export async function handOver(args: readonly string[]): Promise<void> {
  const program = findHubProgram()
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
