import { lstatSync } from 'node:fs'
import { realPathOf } from '@centralpost/shared'

/** A look at one path: by which real path, and what was found. */
interface Look {
  readonly real: string
  readonly found: string | null
}

/** Looks at the file system that one command is worth. */
const mostLooks = 512

/**
 * Resolves the symlinks of the many paths of one command: common prefixes are looked up once, and
 * nothing below a missing directory.
 */
export class RealPaths {
  readonly #known = new Map<string, Look>()
  #left = mostLooks

  /** Whether paths were too many, so that some were taken as they are written. */
  get isSpent(): boolean {
    return this.#left < 0
  }

  /**
   * The same as `realPathOf`.
   *
   * @param path absolute and normal, without a slash at the end
   */
  of(path: string): string {
    let real = ''
    for (let from = 1; from < path.length;) {
      const slash = path.indexOf('/', from)
      const end = slash < 0 ? path.length : slash
      const next = this.#follow(path.slice(0, end), `${real}/${path.slice(from, end)}`)
      if (next === null) return `${real}${path.slice(from - 1)}`
      real = next === '/' ? '' : next
      from = end + 1
    }
    return real === '' ? '/' : real
  }

  /** Whether every path that was looked at still leads where it led: what was judged by it holds. */
  stillHold(): boolean {
    if (this.isSpent) return false
    for (const [path, { real, found }] of this.#known) if (look(path, real) !== found) return false
    return true
  }

  /** The target of a path whose directory resolves to that of `real`; null if missing. */
  #follow(path: string, real: string): string | null {
    const known = this.#known.get(path)
    if (known !== undefined) return known.found
    this.#left -= 1
    if (this.#left < 0) return null
    const found = look(path, real)
    this.#known.set(path, { real, found })
    return found
  }
}

function look(path: string, real: string): string | null {
  try {
    const found = lstatSync(real, { throwIfNoEntry: false })
    if (!found) return null
    if (!found.isSymbolicLink()) return real
  } catch {
    // Not to be looked at: what can be told is told by the directories above.
  }
  return realPathOf(path)
}
