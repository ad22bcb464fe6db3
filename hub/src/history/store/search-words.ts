import type { CommandExecution } from './schema.ts'

/** The words of an execution, separated by spaces: the only input of both search indexes. */
export interface SearchText {
  readonly command: string
  readonly context: string
  readonly stdout: string
  readonly stderr: string
}

const longestWord = 100
const mostWords = 3000

/** The words of a text as indexed: lower case, without accents, letters and digits only. */
export function searchWordsOf(text: string): string[] {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
  const words = plain.match(/[\p{L}\p{N}]+/gu) ?? []
  return words.slice(0, mostWords).map((word) => word.slice(0, longestWord))
}

const operators: Readonly<Record<string, string>> = {
  '&&': 'zqand',
  '||': 'zqor',
  '|': 'zqpipe',
  ';': 'zqsemicolon',
  '&': 'zqbackground',
  '>>': 'zqappend',
  '>': 'zqwrite',
  '<<': 'zqheredoc',
  '<': 'zqread',
  '$(': 'zqsubstitution',
}
const operator = /&&|\|\||\||;|&|>>|>|<<|<|\$\(/g

/** A shell operator is indexed as a reserved word. */
export function operatorWords(text: string): string[] {
  return [...new Set((text.match(operator) ?? []).map((found) => operators[found] ?? ''))]
}

export function searchTextOf(
  row: Pick<CommandExecution, 'command' | 'context' | 'stdout_preview' | 'stderr_preview'>,
): SearchText {
  return {
    command: [...searchWordsOf(row.command), ...operatorWords(row.command)].join(' '),
    context: searchWordsOf(row.context ?? '').join(' '),
    stdout: searchWordsOf(row.stdout_preview ?? '').join(' '),
    stderr: searchWordsOf(row.stderr_preview ?? '').join(' '),
  }
}

/** The words with positions, in a form that PostgreSQL does not parse itself. */
export function postgresVector(text: SearchText): string {
  const places = new Map<string, number[]>()
  let place = 0
  for (const part of [text.command, text.context, text.stdout, text.stderr]) {
    for (const word of part === '' ? [] : part.split(' ')) {
      place += 1
      const known = places.get(word)
      if (known === undefined) places.set(word, [place])
      else if (known.length < 200) known.push(place)
    }
    // a phrase must not span two columns
    place += 10
  }
  return [...places]
    .map(([word, at]) => `'${word}':${at.map((one) => Math.min(one, 16_383)).join(',')}`)
    .join(' ')
}
