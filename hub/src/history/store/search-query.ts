import { operatorWords, searchWordsOf } from './search-words.ts'

/** Adjacent words; `isPrefix`: the last one may continue. */
export interface SearchTerm {
  readonly words: readonly string[]
  readonly isPrefix: boolean
  /** as typed; exact matches rank higher */
  readonly typed: string
}
export type SearchQuery = readonly SearchTerm[]

const mostTerms = 32
const mostWordsOfTerm = 32

/**
 * Parses any search input; nothing is an error. Text typed together (`a.py`, `-la`, `foo-bar`,
 * `src/a.py`) or in quotes becomes a phrase. A trailing `*` asks for a prefix, and so does the last
 * word typed, for search-as-you-type. A shell operator finds commands that contain it.
 *
 * @returns null when it contains nothing to search for
 */
export function searchQuery(typed: string): SearchQuery | null {
  const parts = [...typed.matchAll(/"([^"]*)"|(\S+)/gu)]
  const terms: SearchTerm[] = []
  for (const [index, part] of parts.entries()) {
    const isQuoted = part[1] !== undefined
    const text = part[1] ?? part[2] ?? ''
    const words = searchWordsOf(text).slice(0, mostWordsOfTerm)
    if (words.length === 0) {
      for (const word of operatorWords(text)) {
        terms.push({ words: [word], isPrefix: false, typed: text })
      }
      continue
    }
    const isLast = index === parts.length - 1 && !/\s$/u.test(typed)
    const isPrefix = !isQuoted && (text.endsWith('*') || isLast)
    terms.push({ words, isPrefix, typed: text.replace(/\*+$/, '') })
  }
  return terms.length === 0 ? null : terms.slice(0, mostTerms)
}

/** The query for FTS5. Words are letters and digits only, so nothing in it can be misread. */
export function sqliteMatch(query: SearchQuery): string {
  return query
    .map(({ words, isPrefix }) => `"${words.join(' ')}"${isPrefix ? ' *' : ''}`)
    .join(' AND ')
}

/** The query for PostgreSQL's `tsquery`. */
export function postgresMatch(query: SearchQuery): string {
  return query
    .map(({ words, isPrefix }) =>
      words
        .map((word, index) => `'${word}'${isPrefix && index === words.length - 1 ? ':*' : ''}`)
        .join(' <-> '),
    )
    .map((term) => `(${term})`)
    .join(' & ')
}
