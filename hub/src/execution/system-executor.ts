import { createHash, randomUUID } from 'node:crypto'
import type { OutputStream } from '@centralpost/shared'
import type { ExecutorOptions } from './executor-options.ts'
import { FifoPool } from './fifo-pool.ts'
import { ProcessTable } from './process-table.ts'
import { ProcessTree } from './process-tree.ts'
import { readOutputPage, type OutputPage } from './read-output.ts'
import { resolveProgram } from './resolve-program.ts'
import { RunningCommand } from './running-command.ts'
import type { EndReason, Outcome, Run, RunControls } from './run.ts'
import { readSystemState, type SystemState } from './system-state.ts'
import { activationCommand, findVenv, isVenv } from './virtual-env.ts'

/** A process that a dead hub had left behind. */
export interface Survivor {
  readonly pid: number
  /** Null where its environment no longer said so. */
  readonly actionId: string | null
  readonly name: string
  /** What it took to end it. */
  readonly signal: 'SIGTERM' | 'SIGKILL'
}

const hubStopped: EndReason = {
  status: 'interrupted',
  category: 'interrupted',
  text: 'the hub stopped before the command ended',
}

/** Carries commands out on this machine: each within its limits, and none leaving anything behind. */
export class SystemExecutor {
  readonly #options: ExecutorOptions
  readonly #table = new ProcessTable()
  readonly #pool: FifoPool
  readonly #running = new Map<string, { command: RunningCommand; outcome: Promise<Outcome> }>()
  #stopping: Promise<void> | null = null

  constructor(options: ExecutorOptions) {
    this.#options = options
    this.#pool = new FifoPool(options.log)
  }

  /** How many commands run now. */
  get running(): number {
    return this.#running.size
  }

  /**
   * Runs a command and waits until it and everything it started has ended. Whatever becomes of the command is a
   * value: nothing of it is thrown.
   */
  async executeCommand(run: Run, controls: RunControls = {}): Promise<Outcome> {
    const runId = randomUUID()
    const log = this.#options.log.child({ actionId: run.actionId })
    const command = new RunningCommand({
      run,
      controls,
      options: this.#options,
      runId,
      table: this.#table,
      pool: this.#pool,
      log,
    })
    if (this.#stopping !== null) command.end(hubStopped)
    const outcome = command.carryOut()
    this.#running.set(runId, { command, outcome })
    try {
      return await outcome
    } finally {
      this.#running.delete(runId)
    }
  }

  /** Whether a command in `cwd` runs inside a virtual environment, and inside the one that belongs there. */
  isVenvActive(cwd: string): boolean {
    const active = this.#options.passEnv.includes('VIRTUAL_ENV')
      ? (this.#options.hubEnv ?? process.env)['VIRTUAL_ENV']
      : undefined
    if (active === undefined || !isVenv(active)) return false
    return (findVenv(cwd) ?? active) === active
  }

  /** The folder of the virtual environment found in `cwd` or up to seven levels above it. */
  async detectVenvPath(cwd: string): Promise<string | null> {
    return findVenv(cwd)
  }

  /** The shell line that activates that environment. */
  getVenvActivationCommand(cwd: string): string | null {
    const venv = findVenv(cwd)
    return venv === null ? null : activationCommand(venv)
  }

  /** Where a program would be started from; null when it would not be found. */
  whereIs(program: string, cwd: string): string | null {
    const found = resolveProgram(program, this.#options.path, cwd)
    return 'file' in found ? found.file : null
  }

  async getSystemState(cwd: string): Promise<SystemState> {
    const { path, bashPath } = this.#options
    return readSystemState(cwd, { path, bashPath, venvActive: this.isVenvActive(cwd) })
  }

  /** The first 16 hexadecimal digits of SHA-256 of the command's text, as it is. */
  computeCommandHash(command: string): string {
    return createHash('sha256').update(command, 'utf8').digest('hex').slice(0, 16)
  }

  /**
   * Reads a page of kept output.
   *
   * @param offset where the page begins, in bytes
   * @param limit its length, in bytes
   * @throws {CentralPostError} `invalid_request` or `not_found`
   */
  async readOutput(
    outputRef: string,
    stream: OutputStream,
    offset: number,
    limit: number,
  ): Promise<OutputPage> {
    return readOutputPage(this.#options.spoolDir, outputRef, stream, offset, limit)
  }

  /**
   * Ends what a dead hub of the same id left running. Call it at the start, before the first command.
   *
   * @returns the processes that were found
   */
  async endSurvivors(): Promise<Survivor[]> {
    const { marker, killGraceMs, log } = this.#options
    const tree = new ProcessTree({
      table: this.#table,
      log,
      marks: {
        leader: null,
        bears: ({ marks }) => marks.hubId === marker && !this.#running.has(marks.runId ?? ''),
      },
    })
    const ended = await tree.end(killGraceMs)
    return ended.map(({ entry, signal }) => ({
      pid: entry.pid,
      actionId: entry.marks.actionId ?? null,
      name: entry.name,
      signal,
    }))
  }

  /** Ends what runs (their outcomes are `interrupted`) and starts nothing more. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    const running = [...this.#running.values()]
    for (const { command } of running) command.end(hubStopped)
    await Promise.allSettled(running.map(({ outcome }) => outcome))
    await this.#pool.close()
  }
}
