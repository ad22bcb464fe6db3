import { execFile } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared/light'
import { PipeSource } from './output-source.ts'
import { threadsOf } from '../processes/process-table.ts'
import type { PipeId, Pipe } from './pipe.ts'

const batch = 64
const retryAfterMs = 10_000
/** Linux: names a file without opening it for I/O (open(2)); Node has no constant for it. */
const onlyAsPath = 0o10_000_000

/** The opened pipes of one process. */
export interface OutputPipes {
  readonly writeFds: readonly [stdout: number, stderr: number]
  readonly sources: readonly [stdout: PipeSource, stderr: PipeSource]
  readonly ids: readonly PipeId[]
  /** Closes the reading ends: nothing was started. */
  readonly discard: () => void
}

/** The path that reopens an unlinked named pipe. */
interface Fifo {
  readonly handle: number
  readonly path: string
}

/**
 * Real pipes for children. Node connects children by sockets, which no process can reopen: `echo x
 * > /dev/stderr` and `tee /dev/stderr` fail ("No such device or address"). Named pipes are made in
 * batches, unlinked immediately, and reused as soon as no process has them open. Making one takes
 * half a millisecond of processor time, a fifth of a whole action.
 */
export class FifoPool {
  readonly #log: Logger
  readonly #free: Fifo[] = []
  #filling: Promise<void> | null = null
  #unusableUntil = 0
  #isClosed = false

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * The pipes for one process, or null if named pipes are unavailable (the caller then uses
   * Node's).
   */
  async take(): Promise<OutputPipes | null> {
    const stdout = await this.takeOne()
    const stderr = stdout && (await this.takeOne())
    if (stdout === null || stderr === null) {
      if (stdout !== null) close(stdout)
      return null
    }
    const sources = [new PipeSource(stdout), new PipeSource(stderr)] as const
    return {
      writeFds: [stdout.writeFd, stderr.writeFd],
      sources,
      ids: [stdout.id, stderr.id],
      discard: () => sources.forEach((source) => source.close()),
    }
  }

  /** One pipe, or null if named pipes are unavailable. */
  async takeOne(): Promise<Pipe | null> {
    // other waiters may have taken the whole batch
    while (this.#free.length === 0 && this.#isUsable) await (this.#filling ??= this.#fill())
    const fifo = this.#free.pop()
    if (fifo === undefined) return null
    try {
      return { ...openEnds(fifo.path), giveBack: () => this.#giveBack(fifo) }
    } catch (error) {
      closeSync(fifo.handle)
      this.#giveUp(error)
      return null
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#filling
    for (const { handle } of this.#free.splice(0)) closeSync(handle)
  }

  get #isUsable(): boolean {
    return !this.#isClosed && performance.now() >= this.#unusableUntil
  }

  /**
   * A pipe still open elsewhere could carry foreign text into another action's output: it is not
   * reused.
   */
  #giveBack(fifo: Fifo): void {
    if (!this.#isClosed && isNobodys(fifo.path)) this.#free.push(fifo)
    else closeSync(fifo.handle)
  }

  async #fill(): Promise<void> {
    let folder: string | null = null
    try {
      folder = await mkdtemp(join(tmpdir(), 'centralpost-pipes-'))
      const paths = Array.from({ length: batch }, (_, index) =>
        join(folder as string, String(index)),
      )
      await promisify(execFile)('mkfifo', ['-m', '600', '--', ...paths])
      for (const path of paths) {
        const handle = openSync(path, onlyAsPath)
        this.#free.push({ handle, path: `/proc/self/fd/${handle}` })
      }
    } catch (error) {
      this.#giveUp(error)
    } finally {
      if (folder !== null) await rm(folder, { recursive: true, force: true })
      this.#filling = null
    }
  }

  #giveUp(error: unknown): void {
    this.#unusableUntil = performance.now() + retryAfterMs
    this.#log.warn('no named pipes: commands write to sockets and cannot open /dev/stderr', {
      error: messageOf(error),
    })
  }
}

/**
 * Whether a process has one of these pipes open. Its threads may have separate descriptor tables.
 */
export function holdsPipe(pid: number, ids: readonly PipeId[]): boolean {
  return threadsOf(pid).some((thread) => threadHolds(thread, ids))
}

function threadHolds(thread: string, ids: readonly PipeId[]): boolean {
  try {
    return readdirSync(`/proc/${thread}/fd`).some((fd) => {
      const open = statSync(`/proc/${thread}/fd/${fd}`, { throwIfNoEntry: false })
      return open?.isFIFO() && ids.some(({ dev, ino }) => dev === open.dev && ino === open.ino)
    })
  } catch {
    // Gone, or another user's process.
    return false
  }
}

function openEnds(path: string): Omit<Pipe, 'giveBack'> {
  // Opening the reading end in non-blocking mode lets the writing end open immediately.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { dev, ino } = fstatSync(readFd)
    return { readFd, writeFd: openSync(path, constants.O_WRONLY), id: { dev, ino } }
  } catch (error) {
    closeSync(readFd)
    throw error
  }
}

function close(pipe: Pipe): void {
  closeSync(pipe.readFd)
  closeSync(pipe.writeFd)
  pipe.giveBack()
}

const oneByte = Buffer.alloc(1)

/** Whether no process has the pipe open at either end: it is then also empty. */
function isNobodys(path: string): boolean {
  return !hasReader(path) && !hasWriter(path)
}

function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    // the only conclusive answer (fifo(7)); any other proves nothing
    return (error as NodeJS.ErrnoException).code !== 'ENXIO'
  }
}

/** Called without a reader: leftovers of an earlier one are not mistaken for a writer's. */
function hasWriter(path: string): boolean {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return readSync(readFd, oneByte) !== 0
  } catch {
    // EAGAIN: a writer may still write
    return true
  } finally {
    closeSync(readFd)
  }
}
