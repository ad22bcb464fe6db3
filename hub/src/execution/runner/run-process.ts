import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { messageOf } from '@centralpost/shared/light'
import { filterFd } from '../sandbox/system-calls.ts'
import type { FifoPool, OutputPipes } from '../output/fifo-pool.ts'
import { holdDirectory } from './held-directory.ts'
import { takeInit } from './pid-namespace.ts'
import { StreamSource, type OutputSource } from '../output/output-source.ts'
import type { PipeId, Pipe } from '../output/pipe.ts'
import { type ProcessStart, type StartFault, infoFd } from '../process-start.ts'

/** A running process, in its own group and session. */
export interface StartedProcess {
  readonly pid: number
  readonly stdout: OutputSource
  readonly stderr: OutputSource
  /** Identifies its output pipes, to recognise other holders; empty if unknown. */
  readonly pipes: readonly PipeId[]
  /** Resolves when the process itself has ended; its children may still run and write. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>
  /** Asked once, after the exit: the first process of its pid namespace, if it has one. */
  readonly takeInit: () => number | null
}

/**
 * Starts a process: no shell, no terminal, empty stdin. The only place where commands are started.
 *  Plain `spawn`: execa adds 1.5 to 2 ms of CPU to a start that takes 1 ms, and its cleanup does
 * not suffice here (`ProcessTree` finds processes outside the group).
 *
 * @param isWanted asked when everything is ready
 * @returns null when it was no longer wanted: nothing was started
 */
export async function startProcess(
  start: ProcessStart,
  pool: FifoPool,
  isWanted: () => boolean,
): Promise<StartedProcess | StartFault | null> {
  const pipes = await pool.take()
  const info = start.namesInit === true ? await pool.takeOne() : null
  const filter = start.filter?.open() ?? null
  const discard = () => {
    pipes?.discard()
    if (info === null) return
    closeSync(info.readFd)
    info.giveBack()
  }
  let child: ChildProcess
  try {
    if (!isWanted()) {
      discard()
      return null
    }
    using directory = holdDirectory(start.cwd)
    child = launch({ ...start, cwd: directory.path }, pipes, info, filter)
  } catch (error) {
    discard()
    return faultOf(error, start)
  } finally {
    for (const fd of pipes?.writeFds ?? []) closeSync(fd)
    if (info !== null) closeSync(info.writeFd)
    if (filter !== null) closeSync(filter)
  }
  const { promise: exit, resolve } = Promise.withResolvers<Awaited<StartedProcess['exit']>>()
  child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  if (child.pid === undefined) {
    discard()
    const error = await new Promise<NodeJS.ErrnoException>((settle) => child.once('error', settle))
    return faultOf(error, start)
  }
  // later errors come only from signalling through this object, which is never used for that
  child.on('error', () => {})
  return {
    pid: child.pid,
    stdout: pipes?.sources[0] ?? new StreamSource(child.stdout as Readable),
    stderr: pipes?.sources[1] ?? new StreamSource(child.stderr as Readable),
    pipes: pipes?.ids ?? [],
    exit,
    takeInit: () => (info === null ? null : takeInit(info)),
  }
}

function launch(
  start: ProcessStart,
  pipes: OutputPipes | null,
  info: Pipe | null,
  filter: number | null,
): ChildProcess {
  const [stdout, stderr] = pipes?.writeFds ?? (['pipe', 'pipe'] as const)
  const stdio: StdioOptions = ['ignore', stdout, stderr]
  stdio[infoFd] = start.namesInit === true ? (info?.writeFd ?? 'pipe') : 'ignore'
  if (start.filter) stdio[filterFd] = filter ?? 'pipe'
  const { argv0, cwd, env } = start
  const child = spawn(start.file, start.args, { argv0, cwd, env, stdio, detached: true })
  if (start.filter && filter === null) send(child, start.filter.bytes)
  // its report is not awaited then, but writing it must not fail
  if (start.namesInit === true && info === null) (child.stdio[infoFd] as Readable | null)?.resume()
  return child
}

/** Fallback without a file: Node's socket. */
function send(child: ChildProcess, bytes: Uint8Array): void {
  const socket = child.stdio[filterFd] as Writable | null | undefined
  // a child that exits early has failed, which its exit code shows
  socket?.on('error', () => {}).end(bytes)
}

function faultOf(error: unknown, start: ProcessStart): StartFault {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  // Node itself refuses words that no system call takes (NUL)
  const fault = /^E(?!RR_)[A-Z0-9]+$/.test(code) ? code : 'EINVAL'
  return { fault, message: explain(fault, start) ?? messageOf(error) }
}

/** The system's code alone does not name the missing or overlong part. */
function explain(fault: string, start: ProcessStart): string | null {
  if (fault === 'E2BIG') return "its arguments and variables exceed the system's limit (E2BIG)"
  if (fault !== 'ENOENT') return null
  if (!existsSync(start.cwd)) return `the folder "${start.cwd}" no longer exists`
  if (!existsSync(start.file)) return `program "${start.file}" does not exist`
  return `the interpreter named in the first line of "${start.file}" does not exist`
}
