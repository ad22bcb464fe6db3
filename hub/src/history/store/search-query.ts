import { operatorWords, wordsOf } from './search-words.ts'

/** Words that stand together; `isPrefix`: the last one may go on. */
export interface SearchTerm {
  readonly words: readonly string[]
  readonly isPrefix: boolean
  /** as it was typed, to be preferred where it stands exactly so */
  readonly typed: string
}
export type SearchQuery = readonly SearchTerm[]

const mostTerms = 32
const mostWordsOfTerm = 32

/**
 * Reads whatever a person types into a search; nothing is an error. What was typed together (`a.py`, `-la`,
 * `foo-bar`, `src/a.py`) or stands in quotes becomes a phrase. A `*` behind the last letter asks for a prefix, and so
 * does the last word typed, so that search-as-you-type finds it. An operator of the shell finds commands with it.
 *
 * @returns null when nothing of it can be searched for
 */
export function searchQuery(typed: string): SearchQuery | null {
  const parts = [...typed.matchAll(/"([^"]*)"|(\S+)/gu)]
  const terms: SearchTerm[] = []
  for (const [index, part] of parts.entries()) {
    const isQuoted = part[1] !== undefined
    const text = part[1] ?? part[2] ?? ''
    const words = wordsOf(text).slice(0, mostWordsOfTerm)
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

/** The query as FTS5 takes it. Words are letters and digits only, so nothing in it can be misread. */
export function sqliteMatch(query: SearchQuery): string {
  return query
    .map(({ words, isPrefix }) => `"${words.join(' ')}"${isPrefix ? ' *' : ''}`)
    .join(' AND ')
}

/** The query as PostgreSQL's `tsquery` takes it. */
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
