import { randomUUID } from 'node:crypto'
import { link, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CentralPostError } from '@centralpost/shared'
import { z } from 'zod'
import { hasCode, readIfPresent, writePrivateFile } from '@centralpost/shared/private-files'
import { startTimeOf } from './process-identity.ts'

const pauseMs = 5
/** After this long a marker was left by a process that died between two steps that take a moment. */
const abandonedMs = 10_000

const holderSchema = z.object({ pid: z.int(), started: z.string(), token: z.string() })

/** Who holds a lock: a process named by pid and start time, since a pid alone is given out again. */
export type LockHolder = z.infer<typeof holderSchema>

/** A file that one living process at a time holds. One left behind by a dead process counts as free. */
export class LockFile {
  readonly #path: string
  readonly #token: string

  private constructor(path: string, token: string) {
    this.#path = path
    this.#token = token
  }

  /** Takes the lock, or answers who holds it. */
  static async tryTake(path: string): Promise<LockFile | LockHolder> {
    const token = randomUUID()
    const started = (await startTimeOf(process.pid)) ?? 'unknown'
    const own = `${path}.${token}`
    await writePrivateFile(own, JSON.stringify({ pid: process.pid, started, token }))
    try {
      // A holder that vanishes between two looks is a lock that was just released: look again.
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
   * @param options.waitMs how long to wait, in milliseconds
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

  /** Lets go. A lock that was meanwhile taken by another is left alone. */
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
    // Not written by us, so nobody of ours holds it.
    return undefined
  }
}

/**
 * Removes a dead holder's file. Only whoever has the marker of that very holder may, so that nobody removes the lock that
 * another has taken between the look and the removal.
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
 * Whether the file that was seen is still there. One that is gone is not: whoever comes next may have linked theirs before
 * it could be removed.
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
