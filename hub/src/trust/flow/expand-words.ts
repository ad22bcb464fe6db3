import type { CommandNode, Piece, Word } from '../shell/command-tree.ts'
import { parameterValue } from './parameters.ts'
import type { Value } from './value.ts'
import { concatenated, known, unknown } from './value.ts'

/** The lookups of a word's expansion. */
export interface Expansion {
  readonly home: string
  readonly cwd: string | undefined
  /** the value of a variable; undefined where nothing sets it */
  readonly variable: (name: string) => Value | undefined
  /** the arguments of the function or the script that the word stands in */
  readonly parameters: readonly Value[]
  /** runs a substitution and gives what it prints */
  readonly output: (script: CommandNode) => Value
}

/** Words that one word becomes at most. */
const mostWords = 64

/** The words that a word becomes, as far as they are known; one of which nothing is known stays one. */
export function expandWord(word: Word, expansion: Expansion): Value[] {
  if (!word.pieces) return [known(word.value)]
  if (isEveryParameter(word.pieces)) return [...expansion.parameters]
  const pieces = word.pieces.map((piece) => pieceValue(piece, expansion))
  const value = concatenated(pieces)
  const splits = word.pieces.some(
    (piece) => (piece.kind === 'script' || piece.kind === 'variable') && !piece.quoted,
  )
  if (!splits || value.text === undefined || !/\s/.test(value.text)) return [value]
  const parts = value.text.split(/\s+/).filter((part) => part !== '')
  return parts.slice(0, mostWords).map((text) => ({ ...value, text }))
}

function isEveryParameter(pieces: readonly Piece[]): boolean {
  const [piece] = pieces
  return (
    pieces.length === 1 &&
    piece?.kind === 'variable' &&
    (piece.name === '@' || piece.name === '*') &&
    piece.plain
  )
}

/** The value of a word that is not split: of an assignment, a here-document, a redirection. */
export function wordValue(word: Word, expansion: Expansion): Value {
  if (!word.pieces) return known(word.value)
  return concatenated(word.pieces.map((piece) => pieceValue(piece, expansion)))
}

function pieceValue(piece: Piece, expansion: Expansion): Value {
  switch (piece.kind) {
    case 'text':
      return known(piece.value)
    case 'glob':
      return known(piece.text)
    case 'tilde':
      return known(homeOf(piece.text, expansion))
    case 'variable':
      return variableValue(piece.name, piece.text, piece.plain, expansion)
    case 'script':
      return piece.script ? withoutEnd(expansion.output(piece.script)) : known('')
    case 'process':
      // The word is a file's name; what can be read there is the value that matters.
      return piece.operator === '<' && piece.script
        ? { ...expansion.output(piece.script), isContent: true }
        : unknown
    case 'opaque':
      if (piece.reason === 'an expanded here-document' || piece.reason === 'backslashes')
        return known('')
      return expanded(piece.text, expansion)
  }
}

/** An expansion that can do more than read; what its default is made of follows as pieces of its own. */
function expanded(text: string, expansion: Expansion): Value {
  const value = variableValue('', text, false, expansion)
  return value.text === undefined && /^\$\{\w+:?[-=]/.test(text) ? known('') : value
}

function homeOf(text: string, { home, cwd }: Expansion): string {
  if (text === '~') return home
  if (text === '~+') return cwd ?? '.'
  return text === '~root' ? '/root' : `/home/${text.slice(1)}`
}

function variableValue(name: string, text: string, isPlain: boolean, expansion: Expansion): Value {
  if (isPlain) return lookUp(name, expansion) ?? (/^[\d@*#?$!-]$/.test(name) ? unknown : known(''))
  const value = parameterValue(text, (asked) => {
    const found = lookUp(asked, expansion)
    return found ? (found.text ?? null) : undefined
  })
  return value === undefined ? unknown : known(value)
}

function lookUp(name: string, expansion: Expansion): Value | undefined {
  if (/^\d+$/.test(name)) return expansion.parameters[Number(name) - 1]
  const set = expansion.variable(name)
  if (set) return set
  if (name === 'HOME') return known(expansion.home)
  if (name === 'PWD') return expansion.cwd === undefined ? unknown : known(expansion.cwd)
  return name === 'IFS' ? known(' ') : undefined
}

/** A substitution strips trailing newlines. */
function withoutEnd(value: Value): Value {
  return value.text?.endsWith('\n') === true
    ? { ...value, text: value.text.replace(/\n+$/, '') }
    : value
}
