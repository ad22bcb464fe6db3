import { execFile } from 'node:child_process'
import { closeSync, constants, fstatSync, openSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from '@centralpost/shared'
import { messageOf } from '@centralpost/shared/light'
import { PipeSource } from './output-source.ts'
import { threadsOf } from './process-table.ts'

const batch = 64
const refillBelow = 32
const retryAfterMs = 10_000

/** Which pipe it is, the same at both ends. */
export interface PipeId {
  readonly dev: number
  readonly ino: number
}

/** A pipe: the end that a child writes to, and the end that is read here. */
export interface PipeEnds {
  readonly writeFd: number
  readonly readFd: number
  readonly id: PipeId
}

/** The pipes of one process, opened. */
export interface OutputPipes {
  readonly writeFds: readonly [stdout: number, stderr: number]
  readonly sources: readonly [stdout: PipeSource, stderr: PipeSource]
  readonly ids: readonly PipeId[]
  /** Closes the reading ends: nothing was started. */
  readonly discard: () => void
}

/**
 * Real pipes for children. Node itself connects a child by sockets, which no process can open again: with them
 * `echo x > /dev/stderr` and `tee /dev/stderr` fail ("No such device or address"). Named pipes are made by the batch,
 * opened at once at both ends, and their names removed.
 */
export class FifoPool {
  readonly #log: Logger
  readonly #ready: PipeEnds[] = []
  #filling: Promise<void> | null = null
  #unusableUntil = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** The pipes for one process, or null where named pipes cannot be had (the caller then takes what Node gives). */
  async take(): Promise<OutputPipes | null> {
    const [stdout, stderr] = await this.#takeReady(2)
    if (stdout === undefined || stderr === undefined) return null
    const sources = [new PipeSource(stdout.readFd), new PipeSource(stderr.readFd)] as const
    return {
      writeFds: [stdout.writeFd, stderr.writeFd],
      sources,
      ids: [stdout.id, stderr.id],
      discard: () => sources.forEach((source) => source.close()),
    }
  }

  /** One pipe more, or null where named pipes cannot be had. */
  async takeOne(): Promise<PipeEnds | null> {
    return (await this.#takeReady(1))[0] ?? null
  }

  async close(): Promise<void> {
    this.#unusableUntil = Number.POSITIVE_INFINITY
    await this.#filling
    for (const ends of this.#ready.splice(0)) {
      closeSync(ends.readFd)
      closeSync(ends.writeFd)
    }
  }

  async #takeReady(count: number): Promise<PipeEnds[]> {
    if (this.#ready.length < refillBelow && this.#usable) this.#filling ??= this.#fill()
    // Others that waited may have taken what one batch brought.
    while (this.#ready.length < count && this.#usable) await (this.#filling ??= this.#fill())
    return this.#ready.length < count ? [] : this.#ready.splice(-count)
  }

  get #usable(): boolean {
    return performance.now() >= this.#unusableUntil
  }

  async #fill(): Promise<void> {
    let folder: string | null = null
    try {
      folder = await mkdtemp(join(tmpdir(), 'centralpost-pipes-'))
      const paths = Array.from({ length: batch }, (_, index) =>
        join(folder as string, String(index)),
      )
      await promisify(execFile)('mkfifo', ['-m', '600', '--', ...paths])
      for (const path of paths) this.#ready.push(openEnds(path))
    } catch (error) {
      this.#unusableUntil = Math.max(this.#unusableUntil, performance.now() + retryAfterMs)
      this.#log.warn('no named pipes: commands write to sockets and cannot open /dev/stderr', {
        error: messageOf(error),
      })
    } finally {
      if (folder !== null) await rm(folder, { recursive: true, force: true })
      this.#filling = null
    }
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

function openEnds(path: string): PipeEnds {
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
