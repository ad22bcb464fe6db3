import { realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Where a path really is: links are followed as far as it exists, the rest is as it is written.
 *
 * @param path absolute
 */
export function realPathOf(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    // not there (yet): its directory decides
    const parent = dirname(path)
    return parent === path ? path : join(realPathOf(parent), basename(path))
  }
}

/** Whether a path is a directory or something below it. Both absolute, normal, without a slash at the end. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}
