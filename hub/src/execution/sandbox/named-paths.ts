import { resolve } from 'node:path'
import type { Part, PartWord } from '@centralpost/shared'
import { isWithin } from '@centralpost/shared/light'

/** The roles of words that cannot name a file. */
const noNames: ReadonlySet<string> = new Set(['data'])

/**
 * The paths named by a part: its operands, option values and redirections, made absolute where
 * possible. Data of the program (a text to print, a search expression) names nothing.
 */
export function pathsOf(part: Part): string[] {
  const { words, roles, redirects } = part
  const named = words.slice(1).filter((_, index) => !noNames.has(roles[index + 1] ?? 'operand'))
  const opened = redirects
    .filter(({ operator }) => !operator.startsWith('<<'))
    .map(({ target }) => target)
  return [...named, ...opened].flatMap((word) => pathsIn(word, part))
}

/**
 * The entries of directories for temporary files named by any word of a command, each as a whole.
 *
 * @param roots already visible directories
 */
export function namedTemporary(
  parts: readonly Part[],
  temporary: readonly string[],
  roots: readonly string[],
): string[] {
  const named = parts.flatMap((part) => [
    ...part.words.slice(1).flatMap((word) => pathsIn(word, part)),
    ...pathsOf({ ...part, words: [] }),
  ])
  const others = named.filter((path) => !roots.some((root) => isWithin(path, root)))
  const entries = others.flatMap((path) =>
    temporary.flatMap((place) => {
      if (!isWithin(path, place) || path === place) return []
      const [name = ''] = path.slice(place.length + 1).split('/')
      return /[*?[{$`]/.test(name) ? [] : [`${place}/${name}`]
    }),
  )
  return [...new Set(entries)]
}

/** A word itself, and its text after `=` or a short option's letter. */
function pathsIn({ value }: PartWord, { cwd }: Part): string[] {
  const behind = /^[\w-]+=(.+)$/s.exec(value)?.[1] ?? /^-[A-Za-z](.+)$/s.exec(value)?.[1]
  const texts = [
    ...(value.startsWith('-') ? [] : [value]),
    ...(behind === undefined ? [] : [behind]),
  ]
  return texts
    .filter((text) => text !== '')
    .filter((text) => text.startsWith('/') || cwd !== undefined)
    .map((text) => resolve(cwd ?? '/', text))
}
