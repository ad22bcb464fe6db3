import { closeSync, readSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { readProcFile } from '../processes/proc-files.ts'
import { readProcess } from '../processes/process-table.ts'
import type { Pipe } from '../output/pipe.ts'

const page = Buffer.allocUnsafeSlow(4096)

/**
 * Reads the pid of a sandbox's first process from what bubblewrap wrote before it started the command
 * (`--info-fd`, bwrap(1)), and closes the pipe. Null where it wrote nothing: it had failed before that.
 */
export function takeInit({ readFd, giveBack }: Pick<Pipe, 'readFd' | 'giveBack'>): number | null {
  try {
    const text = page.toString('latin1', 0, readSync(readFd, page))
    const pid = Number(/"child-pid"\s*:\s*(\d+)/.exec(text)?.[1])
    return Number.isInteger(pid) && pid > 1 ? pid : null
  } catch {
    // EAGAIN: someone still holds the other end and wrote nothing
    return null
  } finally {
    closeSync(readFd)
    giveBack()
  }
}

/**
 * Waits until a sandbox that ends holds nothing any more. bubblewrap itself exits as soon as the command has, and only
 * by that makes the kernel end what else is in the namespace, which under load is seen to take milliseconds.
 *
 * @param init the namespace's first process: all others descend from it, and the kernel ends them before it
 * @returns whether it is empty now; false after `withinMs`
 */
export async function emptied(init: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs
  for (let waitMs = 1; isInhabited(init); waitMs = Math.min(waitMs * 2, 50)) {
    if (performance.now() >= until) return false
    await delay(waitMs)
  }
  return true
}

/** The first process alone is no one: it is only waited for where the kernel does not list children. */
function isInhabited(init: number): boolean {
  const children = readProcFile(`/proc/${init}/task/${init}/children`)
  if (children !== null) return children.trim() !== ''
  const entry = readProcess(init)
  return entry !== null && !entry.ended
}
