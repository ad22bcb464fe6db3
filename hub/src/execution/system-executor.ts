import { createHash, randomUUID } from 'node:crypto'
import { delimiter, join } from 'node:path'
import { messageOf, type OutputStream } from '@centralpost/shared'
import { passedVariables } from './environment/command-env.ts'
import type { ExecutorOptions } from './executor-options.ts'
import { KeptOutputs } from './output/kept-outputs.ts'
import { readOutputPage, type OutputPage } from './output/read-output.ts'
import { resolveProgram } from './environment/resolve-program.ts'
import type { RunnerProcess } from './runner-client/runner-process.ts'
import type { LostRun } from './runner-protocol.ts'
import { Runners } from './runner-client/runners.ts'
import {
  outcomeWithout,
  type EndReason,
  type Outcome,
  type Run,
  type RunControls,
  type Survivor,
} from './run.ts'
import { readSystemState, type SystemState } from './environment/system-state.ts'
import { activationCommand, findVenv, isVenv } from './environment/virtual-env.ts'

const hubStopped: EndReason = {
  status: 'interrupted',
  category: 'interrupted',
  text: 'the hub stopped before the command ended',
}

interface Running {
  /** Aborted with an `EndReason`. */
  readonly ending: AbortController
  readonly outcome: Promise<Outcome>
}

/**
 * Executes commands on this machine: each within its limits, and without leftovers. The hub itself
 * starts none: a runner does, a small process with fast starts that ends with the hub.
 */
export class SystemExecutor {
  readonly #options: ExecutorOptions
  readonly #runners: Runners
  readonly #running = new Map<string, Running>()
  readonly #outputs: KeptOutputs | undefined
  #stopping: Promise<void> | null = null

  constructor(options: ExecutorOptions) {
    const { passEnv, hubEnv = process.env, runners, log, cacheDir, ...rest } = options
    const { runnerSilenceMs = 20_000, outputLimits, ...settings } = rest
    this.#options = options
    this.#runners = new Runners(runners, {
      settings: { ...settings, env: passedVariables(hubEnv, passEnv) },
      cacheDir,
      runnerSilenceMs,
      log,
    })
    this.#outputs = outputLimits && new KeptOutputs(options.spoolDir, outputLimits, log)
  }

  /** The number of running commands. */
  get running(): number {
    return this.#running.size
  }

  /** The processes that start commands. */
  get runnerPids(): readonly number[] {
    return this.#runners.pids
  }

  /**
   * Runs a command and waits until it and all its processes have ended. Every outcome of the
   * command is a value, never thrown.
   *
   * @throws {CentralPostError} `unavailable` when no runner is available; nothing was started
   */
  async executeCommand(run: Run, controls: RunControls = {}): Promise<Outcome> {
    const runId = randomUUID()
    const ending = new AbortController()
    const { signal } = controls
    const onAbort = () => ending.abort(cancelled(signal?.reason))
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    if (this.#stopping !== null) ending.abort(hubStopped)
    const outcome = this.#carryOut(runId, run, controls, ending.signal)
    this.#running.set(runId, { ending, outcome })
    try {
      const { outputRef } = await outcome
      if (outputRef !== null) await this.#outputs?.add(outputRef, run.agentId)
      return await outcome
    } finally {
      this.#running.delete(runId)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Allows commands until a time on the machine's clock (`bootMs`), even while this process is
   * suspended: the runners then end them by themselves, and start nothing more. Never called: until
   * this process ends.
   */
  extendLease(untilBootMs: number): void {
    this.#runners.extendLease(untilBootMs)
  }

  /**
   * Whether commands in `cwd` run inside a virtual environment, and in the one of that directory.
   */
  isVenvActive(cwd: string): boolean {
    const active = this.#options.passEnv.includes('VIRTUAL_ENV')
      ? (this.#options.hubEnv ?? process.env)['VIRTUAL_ENV']
      : undefined
    if (active === undefined || !isVenv(active)) return false
    return (findVenv(cwd) ?? active) === active
  }

  /** The virtual environment found in `cwd` or up to seven levels above it. */
  async detectVenvPath(cwd: string): Promise<string | null> {
    return findVenv(cwd)
  }

  /** The shell line that activates that environment. */
  getVenvActivationCommand(cwd: string): string | null {
    const venv = findVenv(cwd)
    return venv === null ? null : activationCommand(venv)
  }

  /**
   * The path from which a program would be started; null if not found.
   *
   * @param venv the command's virtual environment
   */
  whereIs(program: string, cwd: string, venv?: string): string | null {
    const { path } = this.#options
    const searched = venv === undefined ? path : `${join(venv, 'bin')}${delimiter}${path}`
    const found = resolveProgram(program, searched, cwd)
    return 'file' in found ? found.file : null
  }

  async getSystemState(cwd: string): Promise<SystemState> {
    const { path, bashPath } = this.#options
    return readSystemState(cwd, { path, bashPath, venvActive: this.isVenvActive(cwd) })
  }

  /** The first 16 hexadecimal digits of SHA-256 of the command's exact text. */
  computeCommandHash(command: string): string {
    return createHash('sha256').update(command, 'utf8').digest('hex').slice(0, 16)
  }

  /**
   * Reads a page of kept output.
   *
   * @param offset start of the page, in bytes
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
   * Ends leftovers of a dead hub with the same marker. Call it at the start, before the first
   * command.
   *
   * @param markers of other hubs whose lease is over
   * @returns the processes found
   * @throws {CentralPostError} `unavailable` when no runner can be started
   */
  async endSurvivors(markers: readonly string[] = []): Promise<readonly Survivor[]> {
    return this.#runners.sweep({ except: [...this.#running.keys()], markers })
  }

  /** Ends running commands (as `interrupted`) and starts nothing more. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop().then(() => this.#outputs?.stop())
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #carryOut(
    runId: string,
    run: Run,
    controls: RunControls,
    ending: AbortSignal,
  ): Promise<Outcome> {
    const begun = performance.now()
    let runner: RunnerProcess | undefined
    // a ready runner may have died since: nothing was started, so another one is asked
    while (runner === undefined && !ending.aborted) {
      await this.#runners.ready()
      runner = this.#runners.leastBusy()
    }
    if (runner === undefined || ending.aborted) {
      return outcomeWithout(run, ending.reason as EndReason, performance.now() - begun)
    }
    const end = runner.end.bind(runner)
    ending.addEventListener('abort', () => end(runId, ending.reason as EndReason))
    const outcome = await runner.run(runId, run, controls)
    return 'status' in outcome ? outcome : this.#lost(outcome, run, performance.now() - begun)
  }

  /** A run whose runner died: its remains are ended, and it is not run again. */
  async #lost(lost: LostRun, run: Run, durationMs: number): Promise<Outcome> {
    const ended = await this.#runners.sweep({ lost }).catch((error: unknown) => {
      this.#options.log.error('searching for leftovers of a lost run failed', {
        actionId: run.actionId,
        agentId: run.agentId,
        error: messageOf(error),
      })
      return []
    })
    const found = ended.length === 0 ? '' : `; ${ended.length} of its processes were ended`
    const text = `its runner died; it is not run again${found}`
    const reason: EndReason = { status: 'interrupted', category: 'interrupted', text }
    return outcomeWithout(run, reason, durationMs)
  }

  async #stop(): Promise<void> {
    const running = [...this.#running.values()]
    for (const { ending } of running) ending.abort(hubStopped)
    await Promise.allSettled(running.map(({ outcome }) => outcome))
    await this.#runners.stop()
  }
}

function cancelled(reason: unknown): EndReason {
  const said = typeof reason === 'string' ? reason : messageOf(reason ?? '')
  const byName = Error.isError(reason) && reason.name === 'AbortError' ? '' : said
  return { status: 'cancelled', category: 'cancelled', text: byName || 'cancelled' }
}
