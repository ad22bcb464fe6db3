import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@centralpost/shared'
import type { HubConfig } from '../config/hub-config.ts'

export interface ServingConsole {
  readonly url: string
  /** signs one browser in, once */
  readonly link: string
}

/** Where the console's program is installed. Only its path is known here: hub and agents share nothing but the bus. */
export function findConsoleProgram(): string | undefined {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', '@centralpost', 'agents', 'bin', 'centralpost.js')
    if (existsSync(path)) return path
    if (dirname(folder) === folder) return undefined
  }
}

/** The arguments that the settings make for `centralpost console`. */
export function consoleArguments(settings: HubConfig['console'], dataDir: string): string[] {
  const { host, port, origin, tls_cert: cert, tls_key: key, session_hours: hours } = settings
  return [
    'console',
    '--data',
    dataDir,
    '--host',
    host,
    '--session-hours',
    String(hours),
    ...(port === undefined ? [] : ['--port', String(port)]),
    ...(origin === undefined ? [] : ['--origin', origin]),
    ...(cert === undefined ? [] : ['--tls-cert', cert]),
    ...(key === undefined ? [] : ['--tls-key', key]),
  ]
}

/** The operators' console as a child: started again when it dies after it has served. The hub does not depend on it. */
export class ConsoleProcess {
  /** Where it serves, when it does for the first time; null when it does not start. */
  readonly serving: Promise<ServingConsole | null>
  readonly #closed: Promise<void>
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #child: ChildProcess | undefined

  constructor(program: string, args: readonly string[], log: Logger) {
    this.#log = log
    const { promise, resolve } = Promise.withResolvers<ServingConsole | null>()
    this.serving = promise
    this.#closed = this.#keepAlive([program, ...args], resolve).finally(() => resolve(null))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill('SIGTERM')
    await this.#closed
  }

  async #keepAlive(
    command: readonly string[],
    serving: (console: ServingConsole) => void,
  ): Promise<void> {
    const { signal } = this.#stopping
    let hasServed = false
    for (let wait = 250; ; wait = Math.min(wait * 2, 10_000)) {
      // a process group of its own: a Ctrl-C of the terminal must reach it once, through us
      const child = spawn(process.execPath, [...process.execArgv, ...command], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        detached: true,
      })
      this.#child = child
      child.on('message', (message) => {
        hasServed = true
        wait = 250
        serving(message as ServingConsole)
      })
      const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null]
      if (signal.aborted) return
      if (!hasServed) {
        this.#log.warn('the console does not start; everything else does', { code })
        return
      }
      this.#log.warn('the console died; it is started again', { code, signal: killedBy })
      await delay(wait, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
    }
  }
}
