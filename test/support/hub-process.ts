import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../hub/bin/centralpost-hub.js', import.meta.url))

/** A hub in a process of its own, to be killed. Its log goes to `logFile`. */
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
