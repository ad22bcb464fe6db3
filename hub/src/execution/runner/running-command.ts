import { basename, resolve as absolute } from 'node:path'
import type { ErrorCategory, Logger, OutputStream } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared/light'
import { buildEnvironment } from '../environment/command-env.ts'
import { resolveProgram } from '../environment/resolve-program.ts'
import type { RunnerSettings } from '../runner-protocol.ts'
import {
  outcomeWithout,
  type AppliedSandbox,
  type EndReason,
  type Outcome,
  type Run,
} from '../run.ts'
import { confine } from '../sandbox/confine.ts'
import { openGroup, type OpenGroup } from '../sandbox/control-groups.ts'
import { trueEnding } from '../sandbox/ended.ts'
import { unkept } from '../sandbox/limits.ts'
import { lendingLine, lentPrograms, pipWarning } from '../environment/virtual-env.ts'
import { categorize, categorizeFault } from './categorize.ts'
import { leftBehindWarning, overLimit, spoolFault, timedOut } from './end-reasons.ts'
import { holdsPipe, type FifoPool } from '../output/fifo-pool.ts'
import { LiveOutput, type LiveListener } from '../output/live-output.ts'
import {
  memoryOf,
  startTicksOf,
  type ProcessEntry,
  type ProcessTable,
} from '../processes/process-table.ts'
import type { OutputSource } from '../output/output-source.ts'
import { emptied } from './pid-namespace.ts'
import { ProcessTree, type EndedProcess } from '../processes/process-tree.ts'
import { RunOutput, type CapturedOutput } from '../output/run-output.ts'
import { startProcess, type StartedProcess } from './run-process.ts'
import type { Leader } from '../processes/leader.ts'
import type { StartFault, ProcessStart } from '../process-start.ts'

export interface RunningCommandParts {
  readonly run: Run
  readonly settings: RunnerSettings
  /** Unique on this machine: the mark of the run's processes. */
  readonly runId: string
  readonly table: ProcessTable
  readonly pool: FifoPool
  readonly onStart: (leader: Leader) => void
  /** The listener of live output; null: none. */
  readonly listener: LiveListener | null
  readonly log: Logger
}

/**
 * How long output may continue after the command's own end before its writers are ended, in
 * milliseconds.
 */
const drainMs = 200
/** Maximal delay between SIGTERM and SIGKILL for leftover processes, in milliseconds. */
const leftoverGraceMs = 500
/** How long a silent open pipe is awaited after the tree's end, in milliseconds. */
const silentPipeMs = 1000
/**
 * The same for a pipe with a writer out of reach. The pipe's own content has long been read by
 * then.
 */
const busyPipeMs = 5000
/**
 * How long the kernel may take to end a sandbox (a process in uninterruptible sleep), in
 * milliseconds.
 */
const sandboxEndMs = 5000

const noOutput: CapturedOutput = {
  stdout: { text: '', bytes: 0 },
  stderr: { text: '', bytes: 0 },
  truncated: false,
  outputRef: null,
}

/**
 * One command from start to end: starting → running → (ending →) draining → over. The first end
 * reason wins; after the command's own end, only its output can still spoil the outcome.
 */
export class RunningCommand {
  readonly #parts: RunningCommandParts
  readonly #begun = performance.now()
  readonly #warnings: string[] = []
  #reason: EndReason | null = null
  #tree: ProcessTree | null = null
  #ending: Promise<EndedProcess[]> | null = null
  /** Settles when the command may be out of reach: its result must not wait for it. */
  readonly #unendable = Promise.withResolvers<{ exitCode: null; signal: null }>()
  #leaderEnded = false
  /** Whether to search all processes for holders of the output. */
  #seekHolders = false
  #sandbox: AppliedSandbox | null = null
  #isWrapped = false
  /** whether the kernel ends the whole tree with its first process */
  #endsWhole = false
  #group: OpenGroup | null = null

  constructor(parts: RunningCommandParts) {
    this.#parts = parts
  }

  /** Ends the command, unless it has ended or another reason came first. */
  end(reason: EndReason): void {
    if (!this.#leaderEnded) this.#endFor(reason)
  }

  /** Ends it without grace, unless it has ended or another reason came first. */
  endAtOnce(reason: EndReason): void {
    if (!this.#leaderEnded) this.#endFor(reason, 0)
  }

  /** Current resources of its whole tree: processes, and bytes of anonymous memory. */
  async usage(): Promise<{ readonly processes: number; readonly memoryBytes: number }> {
    const members = (await this.#tree?.members()) ?? []
    const memoryBytes = members.reduce((sum, { pid }) => sum + memoryOf(pid), 0)
    return { processes: members.length, memoryBytes }
  }

  /**
   * Runs the command; call it once. Failures of a command, the system or the disk are never thrown.
   */
  async carryOut(): Promise<Outcome> {
    const plan = this.#plan()
    const start = 'fault' in plan ? plan : this.#confine(plan)
    try {
      if ('fault' in start) return this.#notStarted(start)
      const isWanted = () => this.#reason === null
      const started = await startProcess(start, this.#parts.pool, isWanted)
      if (started === null) return this.#notWanted()
      return 'fault' in started ? this.#notStarted(started) : await this.#follow(started)
    } finally {
      await this.#group?.remove()
    }
  }

  #plan(): ProcessStart | StartFault {
    const { run, settings, runId } = this.#parts
    const { plan, cwd } = run
    const warning = pipWarning(plan, cwd)
    if (warning !== null) this.#warnings.push(warning)
    const env = buildEnvironment({
      env: settings.env,
      path: settings.path,
      request: run.env,
      plan,
      findsOfVenv: run.isUnattended !== true,
      marks: { actionId: run.actionId, agentId: run.agentId, hubId: settings.marker, runId },
    })
    const isLent = run.isUnattended === true && plan.venv !== undefined
    const lent = isLent ? lentPrograms(absolute(cwd, plan.venv ?? '')) : new Map<string, string>()
    if (plan.kind === 'script') {
      const args = ['--noprofile', '--norc', '-c', lendingLine(lent) + plan.script]
      return { file: settings.bashPath, argv0: 'bash', args, cwd, env }
    }
    const [name = '', ...args] = plan.argv
    const program = resolveProgram(lent.get(name) ?? name, env['PATH'] ?? '', cwd)
    return 'fault' in program ? program : { file: program.file, argv0: name, args, cwd, env }
  }

  #confine(start: ProcessStart): ProcessStart | StartFault {
    const { run, settings, runId } = this.#parts
    const { confinement } = run
    if (confinement !== undefined && confinement.refusal !== null) {
      return { fault: 'ESANDBOX', message: confinement.refusal }
    }
    const { limits = {}, groups = null } = settings
    try {
      this.#group = groups === null ? null : openGroup(groups, runId, limits)
    } catch (error) {
      return { fault: 'ELIMITS', message: `its limits cannot be set: ${messageOf(error)}` }
    }
    const profile = confinement?.profile ?? 'none'
    const sandbox = settings.sandbox ?? null
    const shown = confinement?.shown ?? []
    const mark = { hubId: settings.marker, runId }
    const confined = confine(start, { profile, sandbox, shown, mark, limits, group: this.#group })
    this.#isWrapped = confined.isWrapped
    this.#endsWhole = confined.endsWhole
    this.#sandbox = { profile, reason: confinement?.reason ?? null }
    this.#warnings.push(
      ...(confinement?.warnings ?? []),
      ...unkept(limits, groups?.holds ?? [], groups?.missing ?? 'no group was searched for'),
    )
    return confined.start
  }

  async #follow(started: StartedProcess): Promise<Outcome> {
    const { run, runId, table, log, onStart } = this.#parts
    const leader = { pid: started.pid, startTicks: startTicksOf(started.pid) }
    table.leaders.add(started.pid)
    const bears = ({ pid, marks }: ProcessEntry) =>
      marks.runId === runId || (this.#seekHolders && holdsPipe(pid, started.pipes))
    const marks = { leader, bears, isLeaderWrapper: this.#isWrapped }
    const tree = new ProcessTree({ marks, table, log })
    this.#tree = tree
    const output = this.#listen(started)
    // The command may have been cancelled during its start.
    if (this.#reason !== null) this.#endTree(tree, this.#parts.settings.killGraceMs)
    onStart(leader)
    const wantedMs = this.#timeoutMs(run.timeoutMs)
    const { unattendedTimeoutMs } = this.#parts.settings
    const isCut = run.isUnattended === true && unattendedTimeoutMs < wantedMs
    const timeoutMs = isCut ? unattendedTimeoutMs : wantedMs
    const timer = setTimeout(() => this.end(timedOut(timeoutMs, isCut)), timeoutMs)
    const exit = await Promise.race([started.exit, this.#unendable.promise])
    clearTimeout(timer)
    this.#leaderEnded = true
    table.leaders.delete(started.pid)
    await this.#drain(tree, output)
    if (this.#isWrapped) await this.#awaitSandboxEnd(started)
    if (tree.outOfReach.length > 0) {
      const pids = tree.outOfReach.join(', ')
      this.#warnings.push(`these processes could not be ended and may still run: ${pids}`)
    }
    const captured = await output.capture()
    return this.#outcome(captured, { ...exit, stderrTail: output.stderrTail() })
  }

  #listen(started: StartedProcess): RunOutput {
    const { run, settings, listener } = this.#parts
    const sources: Record<OutputStream, OutputSource> = started
    return new RunOutput(sources, {
      actionId: run.actionId,
      spoolDir: settings.spoolDir,
      maxOutputBytes: settings.maxOutputBytes,
      inlineBytes: settings.inlineBytes,
      live: listener === null ? null : new LiveOutput(listener),
      onOverLimit: () => this.#endFor(overLimit(settings.maxOutputBytes)),
      onSpoolFault: (error) => this.#endFor(spoolFault(settings.spoolDir, error)),
    })
  }

  /** Reads the rest of the output and clears the tree. */
  async #drain(tree: ProcessTree, output: RunOutput): Promise<void> {
    const graceMs = Math.min(leftoverGraceMs, this.#parts.settings.killGraceMs)
    const leftBehind: EndedProcess[] = []
    await this.#ending
    if (!(await settlesWithin(output.ended, drainMs))) leftBehind.push(...(await tree.end(graceMs)))
    let soughtAt = Number.POSITIVE_INFINITY
    while (!(await settlesWithin(output.ended, drainMs))) {
      if (!this.#seekHolders) {
        this.#seekHolders = true
        leftBehind.push(...(await tree.end(graceMs)))
        soughtAt = performance.now()
      }
      if (output.quietMs < silentPipeMs && performance.now() - soughtAt < busyPipeMs) continue
      output.abandon()
      this.#warnings.push(
        'a process out of reach still holds the output; its further output is lost',
      )
      await output.ended
    }
    const mayBeLeft = !this.#endsWhole && (await tree.leftovers()).length > 0
    if (mayBeLeft) leftBehind.push(...(await tree.end(graceMs)))
    await this.#ending
    if (this.#reason === null && leftBehind.length > 0) {
      this.#warnings.push(leftBehindWarning(leftBehind))
    }
  }

  /** The kernel ends everything in a pid namespace with its first process: waiting suffices. */
  async #awaitSandboxEnd(started: StartedProcess): Promise<void> {
    const init = started.takeInit()
    if (!this.#endsWhole || init === null || (await emptied(init, sandboxEndMs))) return
    this.#warnings.push(
      `its sandbox did not end within ${sandboxEndMs / 1000} s: children of ${init} may still run`,
    )
  }

  #endFor(reason: EndReason, graceMs = this.#parts.settings.killGraceMs): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (this.#tree !== null) this.#endTree(this.#tree, graceMs)
  }

  #endTree(tree: ProcessTree, graceMs: number): void {
    this.#ending = tree.end(graceMs)
    void this.#ending.then(() => {
      if (tree.outOfReach.length > 0) this.#unendable.resolve({ exitCode: null, signal: null })
    })
  }

  #notWanted(): Outcome {
    if (this.#reason === null) throw new TypeError('no obstacle found')
    return outcomeWithout(this.#parts.run, this.#reason, performance.now() - this.#begun)
  }

  #notStarted(fault: StartFault): Outcome {
    const category = categorizeFault(fault.fault)
    this.#reason ??= { status: 'failed', category, text: `not started: ${fault.message}` }
    this.#sandbox = null
    const exitCode = category === 'not_found' ? 127 : 126
    return this.#outcome(noOutput, { exitCode, signal: null, stderrTail: '' })
  }

  #outcome(
    output: CapturedOutput,
    exit: { exitCode: number | null; signal: string | null; stderrTail: string } | null,
  ): Outcome {
    const { run } = this.#parts
    const { plan } = run
    const reason = this.#reason
    const program = plan.kind === 'argv' ? basename(plan.argv[0] ?? '') : undefined
    const told = this.#isWrapped && exit !== null ? trueEnding(exit) : null
    // bash reports signals of its commands this way
    const isPlain = plan.kind === 'argv' || told?.fault !== null
    const note = isPlain ? (told?.note ?? null) : null
    const success = reason === null && exit?.exitCode === 0
    const signal = exit?.signal ?? null
    return {
      status: reason?.status ?? (success ? 'completed' : 'failed'),
      exitCode: exit?.exitCode ?? null,
      signal,
      success,
      ...output,
      durationMs: performance.now() - this.#begun,
      errorCategory: reason?.category ?? this.#categoryOf(exit, told?.fault ?? null, program),
      cwd: run.cwd,
      venvActive: plan.venv !== undefined,
      sandbox: this.#sandbox,
      warnings: this.#warnings,
      reason: reason?.text ?? (signal === null ? note : `ended by ${signal}`),
    }
  }

  #categoryOf(
    exit: Parameters<typeof categorize>[0] | null,
    fault: string | null,
    program: string | undefined,
  ): ErrorCategory | null {
    if (exit === null) return null
    return fault === null ? categorize({ ...exit, program }) : categorizeFault(fault)
  }

  #timeoutMs(wanted: number): number {
    const { defaultTimeoutMs, maxTimeoutMs } = this.#parts.settings
    return Math.min(wanted > 0 ? wanted : defaultTimeoutMs, maxTimeoutMs)
  }
}

async function settlesWithin(promise: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
