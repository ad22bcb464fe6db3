import type { ResolvedWord } from '../shell/resolve-words.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import { wordsOf } from './listings.ts'
import type { Value } from './value.ts'
import { hidden, known } from './value.ts'
import { quoteIfNeeded } from '@centralpost/shared'

/** Arguments that are taken from what a command reads. */
const mostArguments = 64

/** A resolved word that still knows where its value comes from. */
export interface FlowWord extends ResolvedWord {
  readonly flow?: Value
  /** a name that a search could find */
  readonly isGuess?: boolean
}

/** The words that stand for a value in a command: none where nothing is known of it. */
export function wordsFor(value: Value): FlowWord[] {
  if (value.isContent) return [{ ...fixedWord('/dev/fd/63'), flow: value }]
  if (value.text !== undefined)
    return [{ ...fixedWord(value.text), glob: /[*?[]/.test(value.text), flow: value }]
  return value.lists.flatMap((list) =>
    wordsOf(list).map((text) => ({
      ...fixedWord(text),
      glob: /[*?[]/.test(text),
      isGuess: !list.isWhole,
    })),
  )
}

export function valueOf(word: FlowWord): Value {
  return word.flow ?? known(word.value)
}

/** A value in place of a mark: `/home/{}` of a whole listing is all below `/home`. */
export function fill(value: Value, mark: string, put: Value): Value {
  if (value.text?.includes(mark) !== true) return value
  if (value.text === mark) return put
  if (put.text !== undefined) return known(value.text.replaceAll(mark, put.text))
  const before = value.text.slice(0, value.text.indexOf(mark))
  const isWhole = put.lists.some((list) => list.isWhole)
  return before.startsWith('/') && isWhole ? known(`${before}*`) : hidden(value)
}

/** Splits a command's input into the arguments made from it. */
export function splitInput(input: Value): Value[] {
  if (input.text === undefined) return [input]
  const texts = input.text.split(/[\s\0]+/).filter((text) => text !== '')
  return texts.slice(0, mostArguments).map((text) => known(text))
}

export function printWords(words: readonly ResolvedWord[]): string {
  return words.map(({ value }) => quoteIfNeeded(value)).join(' ')
}
