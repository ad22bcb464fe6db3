/** What one command may use, beyond time and output. Absent: as much as there is. */
export interface ResourceLimits {
  /** by the whole tree where control groups can be used, else by each process (as address space) */
  readonly memoryBytes?: number | undefined
  /** of any file it writes */
  readonly fileSizeBytes?: number | undefined
  /** of processor time, each process */
  readonly cpuSeconds?: number | undefined
  /** of what it keeps in each directory for temporary files, where it is confined */
  readonly temporaryBytes?: number | undefined
  /** processes and threads of the whole tree at the same time */
  readonly processes?: number | undefined
  /** the same, counted by the runner and not by the kernel: a moment late, but everywhere */
  readonly watchedProcesses?: number | undefined
  /** open descriptors of each process */
  readonly openFiles?: number | undefined
}

/** The group of one command, in which the kernel counts what all of it uses together. */
export interface LimitGroup {
  /** files that take the pid of whoever enters */
  readonly entries: readonly string[]
  readonly holds: readonly ('memory' | 'processes')[]
}

/** A program that ends in another one, with everything it needs to be started. */
export interface Wrapper {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Enters the groups, lowers its own limits, and becomes the command. If any of it fails the command is not started.
 * The soft limit of processor time is one second lower, so that the end shows as SIGXCPU.
 */
const script = `set -e
for entry in $1; do echo $$ > "$entry"; done
eval "$2"
name=$3; shift 3
exec -a "$name" "$@"`

/** A bash that becomes the command under these limits; null where nothing is limited. What follows are argv0 and the command. */
export function limiting(limits: ResourceLimits, group: LimitGroup | null): Wrapper | null {
  const { memoryBytes, fileSizeBytes, cpuSeconds, processes, openFiles } = limits
  const lines: string[] = []
  if (cpuSeconds !== undefined) {
    lines.push(`ulimit -S -t ${cpuSeconds}`, `ulimit -H -t ${cpuSeconds + 1}`)
  }
  if (fileSizeBytes !== undefined) lines.push(`ulimit -f ${kibi(fileSizeBytes)}`)
  if (openFiles !== undefined) lines.push(`ulimit -n ${openFiles}`)
  if (memoryBytes !== undefined && !group?.holds.includes('memory')) {
    lines.push(`ulimit -v ${kibi(memoryBytes)}`)
  }
  if (processes !== undefined && !group?.holds.includes('processes') && process.getuid?.() !== 0) {
    lines.push(`ulimit -u ${processes}`)
  }
  const entries = group?.entries ?? []
  if (lines.length === 0 && entries.length === 0) return null
  const args = [
    '--noprofile',
    '--norc',
    // functions in the environment would stand before the builtins
    '-p',
    '-c',
    script,
    'limits',
    entries.join(' '),
    lines.join('\n'),
  ]
  return { file: '/bin/bash', args }
}

/** What of the limits cannot be kept as it is meant, in sentences for the result. */
export function unkept(limits: ResourceLimits, holds: LimitGroup['holds'], why: string): string[] {
  const said: string[] = []
  if (limits.processes !== undefined && !holds.includes('processes')) {
    said.push(
      process.getuid?.() === 0
        ? `the limit of ${limits.processes} processes is not applied: the kernel does not count root's, and ${why}`
        : `the limit of ${limits.processes} processes counts all of the hub's user together: ${why}`,
    )
  }
  if (limits.memoryBytes !== undefined && !holds.includes('memory')) {
    said.push(
      `the limit of ${limits.memoryBytes} bytes of memory holds for the address space of each process by itself: ${why}`,
    )
  }
  return said
}

/** The unit of bash's `ulimit`. */
function kibi(bytes: number): number {
  return Math.max(1, Math.floor(bytes / 1024))
}
