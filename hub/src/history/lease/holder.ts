import { readFileSync, readlinkSync } from 'node:fs'
import { z } from 'zod'

const holderSchema = z.object({
  boot: z.string(),
  pidNamespace: z.string(),
  pid: z.int(),
  startTicks: z.string(),
  marker: z.string(),
})

/** Who has a lease: one process, named so that it can be told for certain whether it still lives. */
export type Holder = z.infer<typeof holderSchema>

/** This process, and what the processes of its commands are known by. Null where the system does not tell. */
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

/** Reads what was stored of a holder; null: nothing that can be relied on. */
export function readHolder(text: string | null): Holder | null {
  if (text === null) return null
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Whether two holders see each other's processes: one kernel since one start, which numbers them the same way. */
export function areNeighbours(one: Holder | null, other: Holder | null): one is Holder {
  if (one === null || other === null) return false
  return one.boot === other.boot && one.pidNamespace === other.pidNamespace
}

/**
 * Whether a holder is proven dead: the asker would see its process, and there is none with its number and its start. A
 * name of a machine, or silence, proves nothing.
 */
export function isProvenDead(holder: Holder | null, asker: Holder | null): boolean {
  return areNeighbours(holder, asker) && startTicksOf(holder.pid) !== holder.startTicks
}

/** When a process started, in ticks since the machine did; undefined: there is none, or only its zombie. */
function startTicksOf(pid: number): string | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // the name in the second field may hold spaces and brackets
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? undefined : fields[19]
}
