/**
 * Turns whatever a person types into an FTS5 query that never fails: every run of letters, digits and `_` becomes a
 * quoted word, and what was typed together (`a.py`, `-la`, `foo-bar`, `src/a.py`) becomes a phrase. A `*` behind the
 * last letter asks for a prefix, and so does the last word typed, so that search-as-you-type finds it.
 *
 * @returns null when nothing of it can be searched for
 */
export function searchQuery(typed: string): string | null {
  const parts = [...typed.matchAll(/"([^"]*)"|(\S+)/gu)]
  const terms: string[] = []
  for (const [index, part] of parts.entries()) {
    const isQuoted = part[1] !== undefined
    const text = part[1] ?? part[2] ?? ''
    const words = text.match(/[\p{L}\p{N}_\p{M}]+/gu)
    if (words === null) continue
    const isLast = index === parts.length - 1 && !/\s$/u.test(typed)
    const prefix = !isQuoted && (text.endsWith('*') || isLast) ? ' *' : ''
    terms.push(`"${words.join(' ')}"${prefix}`)
  }
  return terms.length === 0 ? null : terms.slice(0, 32).join(' AND ')
}
