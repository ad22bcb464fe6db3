import type { Piece } from './command-tree.ts'

/** Words that one word can become. */
export const mostWords = 64
const simpleGroup = /^\{([A-Za-z0-9_.,/@%+=:-]*)\}$/
const range = /^\{(-?\d{1,4})\.\.(-?\d{1,4})\}$/

/**
 * Expands `{a,b}` and `{1..3}` as bash does, for groups of plain characters without nesting.
 *
 * @param groups each element is one piece of the word: a finished piece, or the text of a brace group
 * @param most words that may result
 * @returns the words that result, as pieces, or null when the group is of a kind not expanded here
 */
export function expandBraces(groups: readonly (Piece | string)[], most: number): Piece[][] | null {
  let words: Piece[][] = [[]]
  for (const group of groups) {
    const alternatives = typeof group === 'string' ? members(group, most) : null
    if (typeof group === 'string' && !alternatives) return null
    if (alternatives === null) {
      for (const word of words) word.push(group as Piece)
      continue
    }
    if (words.length * alternatives.length > most) return null
    words = words.flatMap((word) =>
      alternatives.map((value): Piece[] => [...word, { kind: 'text', value }]),
    )
  }
  return words
}

function members(text: string, most: number): string[] | null {
  const numbers = range.exec(text)
  if (numbers) return numbersBetween(numbers[1] ?? '', numbers[2] ?? '', most)
  const list = simpleGroup.exec(text)?.[1]
  return list?.includes(',') && !list.includes('..') ? list.split(',') : null
}

function numbersBetween(first: string, last: string, most: number): string[] | null {
  // A leading zero asks bash for padding.
  if (/^-?0\d/.test(first) || /^-?0\d/.test(last)) return null
  const from = Number(first)
  const to = Number(last)
  if (Math.abs(to - from) >= most) return null
  const step = from <= to ? 1 : -1
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => String(from + index * step))
}
