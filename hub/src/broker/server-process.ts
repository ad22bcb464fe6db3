import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'

const termGraceMs = 5000
const keptStderrChars = 2000

/**
 * Ends the server when its parent dies in any way: the parent holds the other end of the guard's
 * standard input, and a line on it dismisses the guard.
 */
const guardScript = `
read -r _ && exit 0
kill -TERM "$1"
for _ in 1 2 3 4 5; do
  sleep 1
  kill -0 "$1" || exit 0
done
kill -KILL "$1"
`

/**
 * One run of a nats-server: a child in its own session, so that a terminal's Ctrl-C reaches only
 * its parent.
 */
export class ServerProcess {
  readonly pid: number
  /** Resolves with its exit status. Never rejects. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, pid: number, exited: Promise<string>) {
    this.#child = child
    this.pid = pid
    this.exited = exited
  }

  /**
   * Starts a server with a configuration file, and the guard that ends it with this process.
   *
   * @throws {CentralPostError} `unavailable` when the binary does not start
   */
  static async start(binary: string, config: string): Promise<ServerProcess> {
    const child = spawn(binary, ['--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-keptStderrChars)
    })
    const exited = new Promise<string>((resolve) => {
      child.once('close', (code, signal) => {
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`
        resolve(said.trim() === '' ? how : `${how}: ${said.trim()}`)
      })
    })
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error]
      throw new CentralPostError('unavailable', `cannot start ${binary}: ${error.message}`, {
        cause: error,
      })
    }
    guard(child, child.pid)
    return new ServerProcess(child, child.pid, exited)
  }

  /** Stops the server with SIGTERM, then, after five seconds, SIGKILL. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const late = new AbortController()
    const timedOut = delay(termGraceMs, true, { signal: late.signal }).catch(() => false)
    if (await Promise.race([this.exited.then(() => false), timedOut])) this.#child.kill('SIGKILL')
    late.abort()
    await this.exited
  }
}

function guard(server: ChildProcess, pid: number): void {
  const watcher = spawn('/bin/sh', ['-c', guardScript, 'centralpost-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  // Without a guard, the next start cleans up a server left behind.
  watcher.on('error', () => {})
  watcher.stdin.on('error', () => {})
  watcher.unref()
  server.once('exit', () => {
    watcher.stdin.end('done\n')
  })
}
