import { highlightEnd, highlightStart } from '@centralpost/shared'
import type { CommandExecution } from '../store/schema.ts'
import type { SearchQuery, SearchTerm } from '../store/search-query.ts'

type Texts = Pick<
  CommandExecution,
  'command' | 'context' | 'stdout_preview' | 'stderr_preview' | 'success'
>

const weights = { command: 8, context: 3, stdout_preview: 1, stderr_preview: 1.5 } as const
const aroundChars = 160

/** The matchers for a row: one pattern per term. */
export interface Finder {
  readonly patterns: readonly { readonly pattern: RegExp; readonly typed: string }[]
}

const wordSeparator = String.raw`[^\p{L}\p{N}]{1,8}`

/** @returns a finder of a query's terms in the original texts */
export function finderOf(query: SearchQuery): Finder {
  return {
    patterns: query.map((term) => ({ pattern: patternOf(term), typed: term.typed.toLowerCase() })),
  }
}

/**
 * The rank of a row: where the terms are (command before context before output), whether exactly as
 * typed, as a whole word, and early.
 */
export function scoreOf(row: Texts, { patterns }: Finder): number {
  let score = row.success === 1 ? 0.5 : 0
  for (const { pattern, typed } of patterns) {
    for (const name of ['command', 'context', 'stdout_preview', 'stderr_preview'] as const) {
      const text = row[name]
      if (text === null || text === '') continue
      const at = text.search(pattern)
      if (at === -1) continue
      const isExact = typed !== '' && text.toLowerCase().includes(typed)
      const shortness = 1 / (1 + text.length / 400)
      score += weights[name] * (1 + (isExact ? 1 : 0) + (at === 0 ? 0.5 : 0) + shortness)
      break
    }
  }
  return score
}

/**
 * The text around a row's first hits, with each hit marked. Marks in the text itself are removed.
 */
export function snippetOf(row: Texts, finder: Finder): string {
  for (const name of ['command', 'context', 'stdout_preview', 'stderr_preview'] as const) {
    const text = (row[name] ?? '').replaceAll(highlightStart, '').replaceAll(highlightEnd, '')
    const at = Math.min(
      ...finder.patterns.map(({ pattern }) => {
        const found = text.search(pattern)
        return found === -1 ? Infinity : found
      }),
    )
    if (at !== Infinity) return marked(text, at, finder)
  }
  return row.command.slice(0, aroundChars * 2)
}

function marked(text: string, at: number, { patterns }: Finder): string {
  const from = Math.max(0, at - aroundChars)
  const part = text.slice(from, at + aroundChars * 2)
  const spans: [number, number][] = []
  for (const { pattern } of patterns) {
    for (const match of part.matchAll(new RegExp(pattern.source, 'giu'))) {
      if (match[0] !== '') spans.push([match.index, match.index + match[0].length])
    }
  }
  spans.sort(([a], [b]) => a - b)
  let shown = from > 0 ? '…' : ''
  let end = 0
  for (const [begin, until] of spans) {
    if (begin < end) continue
    shown += `${part.slice(end, begin)}${highlightStart}${part.slice(begin, until)}${highlightEnd}`
    end = until
  }
  return `${shown}${part.slice(end)}${from + part.length < text.length ? '…' : ''}`
}

function patternOf({ words, isPrefix, typed }: SearchTerm): RegExp {
  if (words.length === 1 && words[0]?.startsWith('zq')) {
    return new RegExp(escaped(typed), 'iu')
  }
  const text = words.map(escaped).join(wordSeparator)
  const after = isPrefix ? String.raw`[\p{L}\p{N}]{0,100}` : String.raw`(?![\p{L}\p{N}])`
  return new RegExp(String.raw`(?<![\p{L}\p{N}])${text}${after}`, 'iu')
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
}
