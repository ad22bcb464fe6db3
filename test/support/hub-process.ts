import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'

const bin = fileURLToPath(new URL('../../hub/bin/centralpost-hub.js', import.meta.url))

/** A hub in a process of its own, started as `centralpost up` does, to be killed. */
export class HubProcess {
  readonly #dataDir: string
  readonly #configFile: string
  readonly #cwd: string
  readonly logFile: string
  readonly #env: Readonly<Record<string, string>>
  #child: ChildProcess | undefined

  private constructor(dataDir: string, cwd: string, env: Readonly<Record<string, string>>) {
    this.#env = env
    this.#dataDir = dataDir
    this.#cwd = cwd
    this.#configFile = join(cwd, 'hub.yaml')
    this.logFile = join(cwd, 'hub.log')
  }

  /**
   * @param dataDir the broker's, whose credentials are in it
   * @param workspace where it works; its settings and its log are there as well
   * @param config its settings, as YAML
   * @param env of its own, beside ours
   */
  static async make(
    dataDir: string,
    workspace: string,
    config: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<HubProcess> {
    const hub = new HubProcess(dataDir, workspace, env)
    await writeFile(hub.#configFile, config)
    return hub
  }

  /**
   * Resolves when the hub serves; rejects when it ends before.
   *
   * @param env set for it beside what is set here
   */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const log = openSync(this.logFile, 'a')
    const child = spawn(
      process.execPath,
      [bin, 'hub', '--data', this.#dataDir, '--config', this.#configFile],
      {
        cwd: this.#cwd,
        stdio: ['ignore', log, log, 'ipc'],
        env: { ...process.env, NODE_OPTIONS: '', ...this.#env, ...env },
      },
    )
    this.#child = child
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the hub ended with ${String(code)} before it served; see ${this.logFile}`)
    })
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => {})
  }

  /** The broker may be away at that moment: a hub that finds none says so and ends, and is tried again. */
  async startAgain(): Promise<void> {
    await eventually(async () => {
      await this.start()
      return true
    }, 30_000)
  }

  /** How it ended; null: it has not, or by a signal. */
  get exitCode(): number | null {
    return this.#child?.exitCode ?? null
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
