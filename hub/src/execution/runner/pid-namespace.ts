import { closeSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readProcFile } from '../processes/proc-files.ts'
import { readProcess } from '../processes/process-table.ts'
import type { Pipe } from '../output/pipe.ts'

const page = Buffer.allocUnsafeSlow(4096)

/**
 * Reads the pid of a sandbox's first process, which bubblewrap reports before it starts the command
 * (`--info-fd`, bwrap(1)), and closes the pipe. Null without a report: bubblewrap failed earlier.
 */
export function takeInit({ readFd, giveBack }: Pick<Pipe, 'readFd' | 'giveBack'>): number | null {
  try {
    const text = page.toString('latin1', 0, readSync(readFd, page))
    const pid = Number(/"child-pid"\s*:\s*(\d+)/.exec(text)?.[1])
    return Number.isInteger(pid) && pid > 1 ? pid : null
  } catch {
    // EAGAIN: the other end is open and nothing was written
    return null
  } finally {
    closeSync(readFd)
    giveBack()
  }
}

/**
 * Waits until an ending sandbox is empty. bubblewrap exits with the command, and only its exit
 * makes the kernel end the rest of the namespace, which can take milliseconds under load.
 *
 * @param init the namespace's first process: the ancestor of all others, and the last to end
 * @returns whether it is empty; false after `withinMs`
 */
export async function emptied(init: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs
  for (let waitMs = 1; isInhabited(init); waitMs = Math.min(waitMs * 2, 50)) {
    if (performance.now() >= until) return false
    await delay(waitMs)
  }
  return true
}

/**
 * The first process alone does not count: it is awaited only where the kernel lists no children.
 */
function isInhabited(init: number): boolean {
  const children = readProcFile(`/proc/${init}/task/${init}/children`)
  if (children !== null) return children.trim() !== ''
  const entry = readProcess(init)
  return entry !== null && !entry.ended
}
