import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../hub/bin/centralpost-hub.js', import.meta.url))

/** A hub in a process of its own, started as `centralpost up` does, to be killed. Its log goes to `logFile`. */
export class HubProcess {
  readonly #options: { dataDir: string; configFile: string; cwd: string; logFile: string }
  #child: ChildProcess | undefined

  constructor(options: { dataDir: string; configFile: string; cwd: string; logFile: string }) {
    this.#options = options
  }

  /** Resolves when the hub serves; rejects when it ends before. */
  async start(): Promise<void> {
    const { dataDir, configFile, cwd, logFile } = this.#options
    const log = openSync(logFile, 'a')
    const child = spawn(process.execPath, [bin, 'hub', '--data', dataDir, '--config', configFile], {
      cwd,
      stdio: ['ignore', log, log, 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#child = child
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the hub ended with ${String(code)} before it served; see ${logFile}`)
    })
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => {})
  }

  get isRunning(): boolean {
    return (
      this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
    )
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the hub was not started')
    return pid
  }

  /** The processes in which the hub runs its commands. */
  get runnerPids(): number[] {
    return childrenOf(this.pid).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('execution/runner/main')
      } catch {
        // gone meanwhile
        return false
      }
    })
  }

  async kill9(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** @returns the exit code */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM')
    return this.#child?.exitCode ?? null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9()
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (!child || !this.isRunning) return
    const exit = once(child, 'exit')
    child.kill(signal)
    await exit
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((child) => child !== '')
      .map(Number),
  )
}
