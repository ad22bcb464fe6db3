import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** As many as the kernel follows. */
const mostLinks = 40

/**
 * Where a path really is: links are followed as far as it exists, the rest is as it is written. A link to what is not there
 * (yet) is followed as well: who writes to it writes there.
 *
 * @param path absolute
 */
export function realPathOf(path: string): string {
  return realPath(path, mostLinks)
}

function realPath(path: string, links: number): string {
  try {
    return realpathSync.native(path)
  } catch {
    // not there (yet): its directory decides
    const parent = dirname(path)
    if (parent === path) return path
    const place = join(realPath(parent, links), basename(path))
    const target = links > 0 ? linkAt(place) : null
    return target === null ? place : realPath(resolve(dirname(place), target), links - 1)
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    // not there, or no link
    return null
  }
}

/** Whether a path is a directory or something below it. Both absolute, normal, without a slash at the end. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
