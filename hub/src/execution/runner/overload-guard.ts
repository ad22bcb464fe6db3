import type { EndReason } from '../run.ts'
import { readProcFile } from '../processes/proc-files.ts'

/** A command as the guard sees it. */
export interface Guarded {
  /** Current resource use of its whole tree. */
  readonly usage: () => Promise<{ readonly processes: number; readonly memoryBytes: number }>
  /** Kills it immediately: a fork bomb gets no time to clean up. */
  readonly endAtOnce: (reason: EndReason) => void
}

const lookMs = 200
/** A command that holds this share of the memory is ended when no more than that is left. */
const [largeShare, spareShare] = [0.5, 0.06]

/**
 * Ends commands that multiply without end, or exhaust the machine's memory. Control groups would
 * react sooner, but are rarely available, and entering one costs every start. Normally a check is
 * two small reads; processes are counted only when the machine has many.
 */
export class OverloadGuard {
  readonly #mostProcesses: number
  readonly #commands = new Set<Guarded>()
  #timer: NodeJS.Timeout | undefined
  #fewest = Number.POSITIVE_INFINITY
  #isLooking = false

  /** @param mostProcesses limit of concurrent processes per command */
  constructor(mostProcesses: number) {
    this.#mostProcesses = mostProcesses
  }

  watch(command: Guarded): void {
    this.#commands.add(command)
    this.#timer ??= setInterval(() => void this.#look(), lookMs).unref()
  }

  forget(command: Guarded): void {
    this.#commands.delete(command)
    if (this.#commands.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#fewest = Number.POSITIVE_INFINITY
  }

  async #look(): Promise<void> {
    if (this.#isLooking || !this.#isLoaded()) return
    this.#isLooking = true
    try {
      for (const command of this.#commands) await this.#judge(command)
    } finally {
      this.#isLooking = false
    }
  }

  async #judge(command: Guarded): Promise<void> {
    const { processes, memoryBytes } = await command.usage()
    const text =
      processes > this.#mostProcesses
        ? `ended because it had more than ${this.#mostProcesses} processes at the same time (execution.limits.processes)`
        : isScarce() && memoryBytes > total * largeShare
          ? "ended because it took more than half of the machine's memory, with almost none left"
          : null
    if (text !== null) command.endAtOnce({ status: 'failed', category: 'resource', text })
  }

  /**
   * Whether enough processes have started since the minimum for one command to exceed the limit.
   */
  #isLoaded(): boolean {
    const tasks = tasksOfMachine()
    this.#fewest = Math.min(this.#fewest, tasks)
    return tasks - this.#fewest > this.#mostProcesses / 2 || isScarce()
  }
}

/** Processes and threads of the whole machine: the fourth number of proc_loadavg(5). */
function tasksOfMachine(): number {
  return Number(/\/(\d+) /.exec(readProcFile('/proc/loadavg') ?? '')?.[1] ?? 0)
}

const total = memoryOf('MemTotal')

function isScarce(): boolean {
  return total > 0 && memoryOf('MemAvailable') < total * spareShare
}

/** In bytes; 0 where unknown. */
function memoryOf(name: string): number {
  const text = readProcFile('/proc/meminfo') ?? ''
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024
}
