import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The kernel's limit of symlinks in a path. */
const mostLinks = 40

/**
 * Resolves the symlinks of a path as far as it exists; the rest stays as written. Dangling symlinks
 * are followed too: a write through one creates its target.
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
    // missing so far: its directory decides
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
    // missing, or no symlink
    return null
  }
}

/**
 * Whether a path is a directory or below it. Both absolute, normalised, without a trailing slash.
 */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
