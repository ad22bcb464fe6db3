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
/** Linux: names a file without being an end of it (open(2)); Node has no name for it. */
const onlyAsPath = 0o10_000_000

/** The pipes of one process, opened. */
export interface OutputPipes {
  readonly writeFds: readonly [stdout: number, stderr: number]
  readonly sources: readonly [stdout: PipeSource, stderr: PipeSource]
  readonly ids: readonly PipeId[]
  /** Closes the reading ends: nothing was started. */
  readonly discard: () => void
}

/** A named pipe that has lost its name: how to open it all the same. */
interface Fifo {
  readonly handle: number
  readonly path: string
}

/**
 * Real pipes for children. Node itself connects a child by sockets, which no process can open again: with them
 * `echo x > /dev/stderr` and `tee /dev/stderr` fail ("No such device or address"). Named pipes are made by the batch,
 * lose their names at once, and are used again as soon as nobody has them open: to make one takes half a millisecond of
 * processor time, a fifth of all that an action takes.
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

  /** The pipes for one process, or null where named pipes cannot be had (the caller then takes what Node gives). */
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

  /** One pipe, or null where named pipes cannot be had. */
  async takeOne(): Promise<Pipe | null> {
    // others that waited may have taken what one batch brought
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

  /** One that somebody still has open would bring his words into another action's output: it is not used again. */
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

/** Whether a process has one of these pipes open. Each of its threads may have descriptors of its own. */
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
    // Gone meanwhile, or another user's.
    return false
  }
}

function openEnds(path: string): Omit<Pipe, 'giveBack'> {
  // Opening the reading end without waiting for a writer lets the writing end open at once.
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

/** Whether no process has the pipe open at either end: then it is empty as well. */
function isNobodys(path: string): boolean {
  return !hasReader(path) && !hasWriter(path)
}

function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    // the one answer that says so (fifo(7)); after any other nothing is known
    return (error as NodeJS.ErrnoException).code !== 'ENXIO'
  }
}

/** Asked when there is no reader: what an earlier one left unread is not taken for a writer's. */
function hasWriter(path: string): boolean {
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    return readSync(readFd, oneByte) !== 0
  } catch {
    // EAGAIN: a writer that may still write
    return true
  } finally {
    closeSync(readFd)
  }
}
