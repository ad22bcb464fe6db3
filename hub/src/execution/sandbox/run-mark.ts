import { readFileSync, readlinkSync } from 'node:fs'

/** Identifies the processes of one run among all others of this machine. */
export interface RunMark {
  readonly hubId: string
  readonly runId: string
}

/** Below the sandbox's own `/dev`. */
const place = '/dev/centralpost'
const marked = /^\S+ \S+ \S+ \S+ \/dev\/centralpost\/([\w-]+)\/([\w-]+) /m

/**
 * Puts the mark of a run into the sandbox's mounts. A process can clear its variables and leave its
 * session and parent; it can neither change nor exchange the mounts of its namespace, and every
 * process may read them.
 */
export function runMarkPath({ hubId, runId }: RunMark): string {
  return `${place}/${hubId}/${runId}`
}

let own: string | null | undefined

/**
 * The mark of a process in another mount namespace.
 *
 * @param process its pid, or one of its threads as a path below /proc
 * @returns null without a mark, or when it is gone
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
    // the kernel returns it in pieces: read to the end, not to the first short read
    return readFileSync(`/proc/${process}/mountinfo`, 'latin1')
  } catch {
    // gone
    return ''
  }
}
