import { randomUUID } from 'node:crypto'
import { link, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import { z } from 'zod'
import { hasCode, readIfPresent, writePrivateFile } from '@centralpost/shared/private-files'
import { startTimeOf } from './process-identity.ts'

const pauseMs = 5
/** Age in milliseconds after which a marker is stale: its steps take only a moment. */
const abandonedMs = 10_000

const holderSchema = z.object({ pid: z.int(), started: z.string(), token: z.string() })

/** The holder of a lock: pid and start time, since pids are reused. */
export type LockHolder = z.infer<typeof holderSchema>

/** A file held by one living process at a time. A dead process's lock counts as free. */
export class LockFile {
  readonly #path: string
  readonly #token: string

  private constructor(path: string, token: string) {
    this.#path = path
    this.#token = token
  }

  /** Takes the lock, or returns its holder. */
  static async tryTake(path: string): Promise<LockFile | LockHolder> {
    const token = randomUUID()
    const started = (await startTimeOf(process.pid)) ?? 'unknown'
    const own = `${path}.${token}`
    await writePrivateFile(own, JSON.stringify({ pid: process.pid, started, token }))
    try {
      // A holder that vanishes between two looks has just released the lock: try again.
      for (;;) {
        if (await linked(own, path)) return new LockFile(path, token)
        const holder = await holderOf(path)
        if (holder && (await lives(holder))) return holder
        await removeStale(path, own, holder)
      }
    } finally {
      await rm(own, { force: true })
    }
  }

  /**
   * Takes the lock, waiting while another process holds it.
   *
   * @param options.waitMs maximal wait, in milliseconds
   * @throws {CentralPostError} `conflict` naming the holder when it does not let go
   */
  static async take(path: string, options: { readonly waitMs: number }): Promise<LockFile> {
    const deadline = performance.now() + options.waitMs
    for (;;) {
      const taken = await LockFile.tryTake(path)
      if (taken instanceof LockFile) return taken
      if (performance.now() > deadline) {
        throw new CentralPostError(
          'conflict',
          `process ${taken.pid} has held ${path} for ${options.waitMs} ms: try again when it is done`,
        )
      }
      await delay(5 + Math.random() * 20)
    }
  }

  /** Releases the lock. A lock taken by another process meanwhile is left alone. */
  async release(): Promise<void> {
    const holder = await holderOf(this.#path)
    if (holder?.token === this.#token) await rm(this.#path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}

/** The living process that holds the lock at `path`, if any. */
export async function livingHolder(path: string): Promise<LockHolder | undefined> {
  const holder = await holderOf(path)
  return holder && (await lives(holder)) ? holder : undefined
}

async function lives(holder: LockHolder): Promise<boolean> {
  return (await startTimeOf(holder.pid)) === holder.started
}

async function linked(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function holderOf(path: string): Promise<LockHolder | undefined> {
  const text = await readIfPresent(path)
  return text === undefined ? undefined : holderIn(text)
}

function holderIn(text: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text))
  } catch {
    // A foreign file format: not held by CentralPost.
    return undefined
  }
}

/**
 * Removes a dead holder's file. Requires the marker of that very holder, so that no process removes
 * a lock taken between the look and the removal.
 */
async function removeStale(path: string, own: string, seen: LockHolder | undefined): Promise<void> {
  const marker = `${path}.stale-${seen?.token ?? 'unreadable'}`
  if (!(await linked(own, marker))) {
    const age = await ageMs(marker)
    if (age !== undefined && age > abandonedMs) await rm(marker, { force: true })
    else await delay(pauseMs)
    return
  }
  try {
    if (await isStill(path, seen)) await rm(path, { force: true })
  } finally {
    await rm(marker, { force: true })
  }
}

/**
 * Whether the inspected file still exists. If it is gone, the next process may have linked its own
 * before the removal.
 */
async function isStill(path: string, seen: LockHolder | undefined): Promise<boolean> {
  const text = await readIfPresent(path)
  return text !== undefined && holderIn(text)?.token === seen?.token
}

async function ageMs(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).ctimeMs
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
