import { opendir } from 'node:fs/promises'
import { matchesGlob, resolve } from 'node:path'

const isPattern = /[*?[]/

/** The remaining budget of directory entries, shared by all patterns of one command. */
export interface NameBudget {
  left: number
}

/**
 * The current matches of a shell pattern, in order.
 *
 * @param most limit of matches
 * @returns the matches, and whether they are complete
 */
export async function expandPattern(
  pattern: string,
  cwd: string,
  most: number,
  budget: NameBudget,
): Promise<{ readonly paths: readonly string[]; readonly isAll: boolean }> {
  let places = [pattern.startsWith('/') ? '/' : cwd]
  let isAll = true
  const segments = pattern.split('/').filter(Boolean)
  for (const segment of segments) {
    if (!isPattern.test(segment)) {
      places = places.map((place) => resolve(place, segment))
      continue
    }
    const next: string[] = []
    for (const place of places) {
      const names = await namesIn(place, budget)
      isAll &&= names.isAll
      next.push(
        ...names.found.filter((name) => isMatch(name, segment)).map((name) => resolve(place, name)),
      )
    }
    places = next.slice(0, most)
    isAll &&= next.length <= most
  }
  return { paths: places, isAll }
}

/** As in a shell: hidden names match only patterns with a leading dot. */
function isMatch(name: string, segment: string): boolean {
  if (name.startsWith('.') !== segment.startsWith('.')) return false
  return matchesGlob(name, segment.replaceAll('**', '*'))
}

async function namesIn(
  place: string,
  budget: NameBudget,
): Promise<{ readonly found: readonly string[]; readonly isAll: boolean }> {
  const found: string[] = []
  try {
    for await (const { name } of await opendir(place)) {
      if (budget.left <= 0) return { found: found.toSorted(), isAll: false }
      budget.left -= 1
      found.push(name)
    }
  } catch {
    // missing or unreadable: a shell finds nothing there either
  }
  return { found: found.toSorted(), isAll: true }
}
