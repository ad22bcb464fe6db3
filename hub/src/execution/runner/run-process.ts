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

/** A process that runs, in a group and session of its own. */
export interface StartedProcess {
  readonly pid: number
  readonly stdout: OutputSource
  readonly stderr: OutputSource
  /** What the process writes to, by which a holder of it can be recognised; empty where that is not known. */
  readonly pipes: readonly PipeId[]
  /** When the process itself has ended; its children and their output may not have. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>
  /** Asked once, after the exit: the first process of its pid namespace, where it has one of its own. */
  readonly takeInit: () => number | null
}

/**
 * Starts a process: no shell, no terminal, stdin empty. The one place where commands are really started.
 *
 * Plain `spawn`: execa adds 1.5 to 2 ms of CPU to a start that takes 1 ms, and its help with endings is not enough
 * here (`ProcessTree` finds what left the group).
 *
 * @param isWanted asked when everything is ready
 * @returns null when it was not wanted any more: nothing was started
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
  // a later error is one of signalling by this object, which nobody does
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
  // nobody waits for its word then, and it must be able to say it
  if (start.namesInit === true && info === null) (child.stdio[infoFd] as Readable | null)?.resume()
  return child
}

/** Where no file can be made: by the socket that Node made. */
function send(child: ChildProcess, bytes: Uint8Array): void {
  const socket = child.stdio[filterFd] as Writable | null | undefined
  // one that ended before it read all has failed, which its exit says
  socket?.on('error', () => {}).end(bytes)
}

function faultOf(error: unknown, start: ProcessStart): StartFault {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  // Node's own refusals are of words that no system call takes (NUL)
  const fault = /^E(?!RR_)[A-Z0-9]+$/.test(code) ? code : 'EINVAL'
  return { fault, message: explain(fault, start) ?? messageOf(error) }
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
