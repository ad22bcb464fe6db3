import { readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'

const holderSchema = z.object({
  boot: z.string(),
  pidNamespace: z.string(),
  pid: z.int(),
  startTicks: z.string(),
  marker: z.string(),
})

/** The holder of a lease: one process, identified so that its death can be proven. */
export type Holder = z.infer<typeof holderSchema>

/** This process, with the mark of its commands. Null where the system lacks the information. */
export function thisHolder(marker: string): Holder | null {
  const startTicks = startTicksOf(process.pid)
  try {
    return {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
      pid: process.pid,
      startTicks: startTicks ?? '',
      marker,
    }
  } catch {
    return null
  }
}

/** Parses a stored holder; null if unreliable. */
export function readHolder(text: string | null): Holder | null {
  if (text === null) return null
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Whether two holders see each other's processes: same kernel, same boot, same pid numbering. */
export function areNeighbours(one: Holder | null, other: Holder | null): one is Holder {
  if (one === null || other === null) return false
  return one.boot === other.boot && one.pidNamespace === other.pidNamespace
}

/**
 * Whether a holder is proven dead: its process would be visible here, and none has its pid and
 * start time. A host name, or silence, proves nothing.
 */
export function isProvenDead(holder: Holder | null, asker: Holder | null): boolean {
  return areNeighbours(holder, asker) && startTicksOf(holder.pid) !== holder.startTicks
}

/** The start time of a process, in ticks since boot; undefined for a missing one or a zombie. */
function startTicksOf(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // the name in the second field may contain spaces and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}
