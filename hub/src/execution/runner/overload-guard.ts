import type { EndReason } from '../run.ts'
import { readProcFile } from '../processes/proc-files.ts'

/** A command as the guard sees it. */
export interface Guarded {
  /** How much of the machine its whole tree takes now. */
  readonly usage: () => Promise<{ readonly processes: number; readonly memoryBytes: number }>
  /** Ends it at once: what multiplies is given no time to clean up. */
  readonly endAtOnce: (reason: EndReason) => void
}

const lookMs = 200
/** A command that holds this share of the memory is ended when the machine has no more than that left. */
const [largeShare, spareShare] = [0.5, 0.06]

/**
 * Ends commands that multiply without end, or that take the machine's last memory. The kernel's own groups would do it
 * sooner, but can be had on few machines, and entering one costs every start. While all is well a look is two small reads;
 * only when the machine's processes have become many are they counted.
 */
export class OverloadGuard {
  readonly #mostProcesses: number
  readonly #commands = new Set<Guarded>()
  #timer: NodeJS.Timeout | undefined
  #fewest = Number.POSITIVE_INFINITY
  #isLooking = false

  /** @param mostProcesses of one command at the same time */
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
          ? `ended because it took more than half of the machine's memory, of which next to none was left`
          : null
    if (text !== null) command.endAtOnce({ status: 'failed', category: 'resource', text })
  }

  /** Whether so much has been started since there was least that one command may have had too many. */
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

/** In bytes; 0 where this system does not tell. */
function memoryOf(name: string): number {
  const text = readProcFile('/proc/meminfo') ?? ''
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024
}
