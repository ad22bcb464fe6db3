/** Resource limits of one command, beyond time and output. Absent: unlimited. */
export interface ResourceLimits {
  /** for the whole tree where control groups are available, else per process (as address space) */
  readonly memoryBytes?: number | undefined
  /** per written file */
  readonly fileSizeBytes?: number | undefined
  /** processor time, per process */
  readonly cpuSeconds?: number | undefined
  /** per directory for temporary files, in the sandbox */
  readonly temporaryBytes?: number | undefined
  /** processes and threads of the whole tree at the same time */
  readonly processes?: number | undefined
  /** the same, counted by the runner instead of the kernel: a moment late, but everywhere */
  readonly watchedProcesses?: number | undefined
  /** open descriptors per process */
  readonly openFiles?: number | undefined
}

/** The control group of one command, in which the kernel counts its whole tree. */
export interface LimitGroup {
  /** files that take the pids of members */
  readonly entries: readonly string[]
  readonly holds: readonly ('memory' | 'processes')[]
}

/** A program prefix that execs another program, with its arguments. */
export interface LimitWrapper {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Enters the groups, lowers its own limits, and becomes the command. On any failure the command is
 * not started. The soft limit of processor time is one second lower, so that exceeding it raises
 * SIGXCPU.
 */
const script = `set -e
for entry in $1; do echo $$ > "$entry"; done
eval "$2"
name=$3; shift 3
exec -a "$name" "$@"`

/**
 * A bash that becomes the command under these limits; null without limits. argv0 and the command
 * follow.
 */
export function limiting(limits: ResourceLimits, group: LimitGroup | null): LimitWrapper | null {
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
    // exported functions would shadow the builtins
    '-p',
    '-c',
    script,
    'limits',
    entries.join(' '),
    lines.join('\n'),
  ]
  return { file: '/bin/bash', args }
}

/** Limits that cannot be enforced as configured, in sentences for the result. */
export function unkept(limits: ResourceLimits, holds: LimitGroup['holds'], why: string): string[] {
  const said: string[] = []
  if (limits.processes !== undefined && !holds.includes('processes')) {
    said.push(
      process.getuid?.() === 0
        ? `the limit of ${limits.processes} processes is not applied: the kernel does not count root's, and ${why}`
        : `the limit of ${limits.processes} processes counts all processes of the hub's user: ${why}`,
    )
  }
  if (limits.memoryBytes !== undefined && !holds.includes('memory')) {
    said.push(
      `the limit of ${limits.memoryBytes} bytes of memory applies to each process's address space: ${why}`,
    )
  }
  return said
}

/** The unit of bash's `ulimit`. */
function kibi(bytes: number): number {
  return Math.max(1, Math.floor(bytes / 1024))
}
