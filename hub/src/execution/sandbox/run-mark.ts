import { readFileSync, readlinkSync } from 'node:fs'

/** What tells the processes of one run from all others of this machine. */
export interface RunMark {
  readonly hubId: string
  readonly runId: string
}

/** Below the `/dev` that a sandbox has of its own. */
const place = '/dev/centralpost'
const marked = /^\S+ \S+ \S+ \S+ \/dev\/centralpost\/([\w-]+)\/([\w-]+) /m

/**
 * Where a sandbox has a mount that says whose it is. Variables a process can clear, its session and its parent it can leave;
 * the mounts of its namespace it can neither change nor exchange, and everybody may read them.
 */
export function runMarkPath({ hubId, runId }: RunMark): string {
  return `${place}/${hubId}/${runId}`
}

let own: string | null | undefined

/**
 * The mark of a process that lives among other mounts than this one.
 *
 * @param process its pid, or one of its threads as a path below /proc
 * @returns null where it has none, or is gone
 */
export function readRunMark(process: string | number): RunMark | null {
  own ??= namespaceOf('self')
  const namespace = namespaceOf(process)
  if (own === null || namespace === null || namespace === own) return null
  const [, hubId, runId] = marked.exec(mountsOf(process)) ?? []
  return hubId === undefined || runId === undefined ? null : { hubId, runId }
}

function namespaceOf(process: string | number): string | null {
  try {
    return readlinkSync(`/proc/${process}/ns/mnt`)
  } catch {
    // gone, or another user's
    return null
  }
}

function mountsOf(process: string | number): string {
  try {
    // the kernel gives it in pieces: to the end, and not to the first short one
    return readFileSync(`/proc/${process}/mountinfo`, 'latin1')
  } catch {
    // gone
    return ''
  }
}
