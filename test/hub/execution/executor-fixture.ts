import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger, type Logger, type LogFields, type Plan } from '@centralpost/shared'
import {
  executorOptionsSchema,
  SystemExecutor,
  type ExecutorOptions,
  type Outcome,
  type Run,
  type RunControls,
} from '#hub/execution/index.ts'
import { TempDir } from '../../support/temp-dir.ts'

export type Changes = Partial<Omit<Run, 'plan'>>

/** A real executor in a folder of its own. Disposing it fails the test when a process of its own still lives. */
export class TestExecutor {
  readonly executor: SystemExecutor
  readonly options: ExecutorOptions
  readonly cwd: string
  readonly warned: { readonly message: string; readonly fields: LogFields }[]
  readonly #dir: TempDir

  private constructor(
    dir: TempDir,
    cwd: string,
    options: ExecutorOptions,
    warned: TestExecutor['warned'],
  ) {
    this.#dir = dir
    this.cwd = cwd
    this.options = options
    this.warned = warned
    this.executor = new SystemExecutor(options)
  }

  /** @param changes of the options; as a function it is told the working directory */
  static async make(
    this: void,
    changes: Partial<ExecutorOptions> | ((cwd: string) => Promise<Partial<ExecutorOptions>>) = {},
  ): Promise<TestExecutor> {
    const dir = await TempDir.make()
    const cwd = join(await realpath(dir.path), 'work')
    await mkdir(cwd)
    const warned: TestExecutor['warned'] = []
    const keep = (message: string, fields: LogFields = {}) => {
      warned.push({ message, fields })
    }
    const log: Logger = { ...silentLogger, warn: keep, error: keep, child: () => log }
    const options = {
      ...executorOptionsSchema.parse({ killGraceMs: 300 }),
      spoolDir: join(dir.path, 'spool'),
      marker: `test-${randomUUID()}`,
      log,
      ...(typeof changes === 'function' ? await changes(cwd) : changes),
    }
    return new TestExecutor(dir, cwd, options, warned)
  }

  /** Runs a text through bash. */
  script(script: string, changes: Changes = {}, controls: RunControls = {}): Promise<Outcome> {
    return this.plan({ kind: 'script', script }, changes, controls)
  }

  /** Runs a program directly. */
  argv(
    argv: readonly string[],
    changes: Changes = {},
    controls: RunControls = {},
  ): Promise<Outcome> {
    return this.plan({ kind: 'argv', argv: [...argv] }, changes, controls)
  }

  plan(plan: Plan, changes: Changes = {}, controls: RunControls = {}): Promise<Outcome> {
    const run = {
      actionId: 'action-1',
      agentId: 'agent-a',
      cwd: this.cwd,
      env: {},
      timeoutMs: 15_000,
      ...changes,
    }
    return this.executor.executeCommand({ ...run, plan }, controls)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor.stop()
    await this.#dir[Symbol.asyncDispose]()
    const left = livingWith(`CENTRALPOST_HUB=${this.options.marker}`)
    for (const pid of left) process.kill(pid, 'SIGKILL')
    if (left.length > 0) throw new Error(`processes outlived their run: ${left.join(', ')}`)
  }
}

/** The pids of processes whose environment holds this line. */
export function livingWith(line: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(line)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Whether a process lives under this command line. */
export function isRunning(commandLine: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0')
        return words.join(' ').trim() === commandLine
      } catch {
        return false
      }
    })
}
