import { closeSync, existsSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { messageOf } from '@centralpost/shared'
import { execa } from 'execa'
import type { FifoPool, OutputPipes, PipeId } from './fifo-pool.ts'

/** A program to start, every part of it decided. */
export interface ProcessStart {
  /** Absolute path of the program. */
  readonly file: string
  /** The name by which it is called, as a shell would. */
  readonly argv0: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A process that runs, in a group and session of its own. */
export interface StartedProcess {
  readonly pid: number
  readonly stdout: Readable
  readonly stderr: Readable
  /** What the process writes to, by which a holder of it can be recognised; empty where that is not known. */
  readonly pipes: readonly PipeId[]
  /** When the process itself has ended; its children and their output may not have. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>
}

/** Why the system started nothing: the code of the failed call (`ENOENT`, `EACCES`, `E2BIG` …). */
export interface StartFault {
  readonly fault: string
  readonly message: string
}

/**
 * Starts a process: no shell, no terminal, stdin empty, files it makes private. The one place where commands are
 * really started, and the one importer of execa.
 */
export async function startProcess(
  start: ProcessStart,
  pool: FifoPool,
): Promise<StartedProcess | StartFault> {
  const pipes = await pool.take()
  let running: ReturnType<typeof launch>
  try {
    running = withPrivateFiles(() => launch(start, pipes))
  } catch (error) {
    // Words that no system call takes (NUL).
    for (const reader of pipes?.readers ?? []) reader.destroy()
    return { fault: 'EINVAL', message: messageOf(error) }
  } finally {
    for (const fd of pipes?.writeFds ?? []) closeSync(fd)
  }
  if (running.pid === undefined) {
    for (const reader of pipes?.readers ?? []) reader.destroy()
    const result = await running
    const fault = result.code ?? 'EUNKNOWN'
    return { fault, message: explain(fault, start) ?? result.originalMessage ?? fault }
  }
  const exit = Promise.withResolvers<{ exitCode: number | null; signal: string | null }>()
  running.nodeChildProcess.once('exit', (exitCode, signal) => exit.resolve({ exitCode, signal }))
  return {
    pid: running.pid,
    stdout: pipes?.readers[0] ?? (running.stdout as Readable),
    stderr: pipes?.readers[1] ?? (running.stderr as Readable),
    pipes: pipes?.ids ?? [],
    exit: exit.promise,
  }
}

function launch(start: ProcessStart, pipes: OutputPipes | null) {
  return execa(start.file, start.args, {
    argv0: start.argv0,
    cwd: start.cwd,
    env: start.env,
    extendEnv: false,
    preferLocal: false,
    stdin: 'ignore',
    stdout: outputTo(pipes?.writeFds[0]),
    stderr: outputTo(pipes?.writeFds[1]),
    buffer: false,
    encoding: 'buffer',
    reject: false,
    killDescendants: true,
    forceKillAfterDelay: false,
  })
}

/** The system's code alone does not say what is missing or too long. */
function explain(fault: string, start: ProcessStart): string | null {
  if (fault === 'E2BIG')
    return 'its arguments and variables are longer than the system takes (E2BIG)'
  if (fault !== 'ENOENT') return null
  if (!existsSync(start.cwd)) return `the folder "${start.cwd}" does not exist any more`
  if (!existsSync(start.file)) return `program "${start.file}" does not exist`
  return `the interpreter that the first line of "${start.file}" names does not exist`
}

/** A child inherits the mask at the moment of its fork, which happens before `start` returns. */
function withPrivateFiles<T>(start: () => T): T {
  const before = process.umask(0o077)
  try {
    return start()
  } finally {
    process.umask(before)
  }
}

/** execa takes any file descriptor here; its types only name the first ten. */
function outputTo(fd: number | undefined): 3 | 'pipe' {
  return (fd as 3 | undefined) ?? 'pipe'
}
