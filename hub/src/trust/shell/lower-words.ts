import type { ParsedScript, Word as ParsedWord, WordPart } from 'unbash'
import { parse } from 'unbash'
import { fromPieces, opaque } from './build-tree.ts'
import type { CommandNode, Piece, Word } from './command-tree.ts'
import { expandBraces, mostWords } from './expand-braces.ts'

const mostExpansions = 3
const plainArithmetic = /^\$\(\([\d\s+\-*/%()<>!&|^~?:]*\)\)$/
const plainBracket = /^\[[!^]?[A-Za-z0-9_.,:[\]-]+\]$/
const simpleVariable = /^\$(?:[A-Za-z_]\w*|[0-9@*#?$!_-])$/
const bracedVariable = /^\$\{#?\w+(?:\[[@*]\])?[^$`"'\\{}()]*\}$/

/** Words that braces may still make; shared by all texts of one command. */
export interface BraceAllowance {
  left: number
}

export interface WordParts {
  readonly braces: BraceAllowance
  /** notes what cannot be read */
  readonly fault: (reason: string) => void
  /** lowers the script of a substitution */
  readonly script: (script: ParsedScript | undefined) => CommandNode | null
}

/** Lowers the parser's words: quotes, expansions, substitutions, patterns, braces. */
export class WordLowering {
  readonly #parts: WordParts
  #expansions = 0

  constructor(parts: WordParts) {
    this.#parts = parts
  }

  /** The words within arithmetic. */
  arithmetic(text: string): Word[] {
    // Names in arithmetic may hold subscripts with commands; parsing it as a word finds those.
    const inner =
      text.includes('$(') || text.includes('`') ? parse(`: "${text.replaceAll('"', '')}"`) : null
    const script = inner ? this.#parts.script(inner) : null
    const scripts: Piece[] = inner ? [{ kind: 'script', script, quoted: true }] : []
    return [{ value: text, pieces: [...scripts, opaque('arithmetic', text)] }]
  }

  /** A word that has no parts. */
  plain(word: ParsedWord): Word {
    const text = word.text
    if (text.charCodeAt(0) === 126) return this.#tilde(word)
    return { value: word.value }
  }

  #tilde(word: ParsedWord): Word {
    const slash = word.text.indexOf('/')
    const prefix = slash < 0 ? word.text : word.text.slice(0, slash)
    if (!/^~[A-Za-z0-9_+-]*$/.test(prefix))
      return { value: word.value, pieces: [opaque('a tilde', word.text)] }
    const rest = word.value.slice(prefix.length)
    const pieces: Piece[] = [{ kind: 'tilde', text: prefix }]
    if (rest !== '') pieces.push({ kind: 'text', value: rest })
    return { value: word.value, pieces }
  }

  /** A word where brace expansion does not take place, or must not be split. */
  one(word: ParsedWord): Word {
    const words = this.all(word)
    return words.length === 1 && words[0]
      ? words[0]
      : { value: word.value, pieces: [opaque('a brace expansion', word.text)] }
  }

  /** The words that one becomes: braces make more. */
  all(word: ParsedWord): Word[] {
    if (word.parts === undefined) return [this.plain(word)]
    let braces = false
    const groups: (Piece | string)[] = []
    word.parts.forEach((part, index) => {
      if (part.type === 'BraceExpansion') {
        braces = true
        groups.push(part.text)
        return
      }
      if (index === 0 && part.type === 'Literal' && part.text.startsWith('~')) {
        const tilde = this.#tilde({ ...word, text: part.text, value: part.value, parts: undefined })
        // A tilde prefix that a quote or an expansion continues is not one.
        const whole = part.text.includes('/') || word.parts?.length === 1
        groups.push(...(whole ? (tilde.pieces ?? []) : [opaque('a tilde', word.text)]))
        return
      }
      groups.push(...this.pieces(part, false))
    })
    if (braces) {
      const isMuch = this.#parts.braces.left < 0
      const expanded = expandBraces(
        groups,
        isMuch ? Math.min(word.text.length, mostWords) : mostWords,
      )
      if (expanded) {
        this.#parts.braces.left -= expanded.length
        return expanded.map((pieces) => fromPieces(pieces))
      }
      const kept = groups.filter((group) => typeof group !== 'string')
      return [fromPieces([...kept, opaque('a brace expansion', word.text)])]
    }
    return [fromPieces(groups as Piece[])]
  }

  /** The pieces of a word's part; `quoted`: neither split nor a pattern. */
  pieces(part: WordPart, quoted: boolean): Piece[] {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
        return [{ kind: 'text', value: part.value }]
      case 'AnsiCQuoted':
        if (
          /\\\n/.test(part.text) ||
          part.value.includes('\0') ||
          /\\(x00|0+(?![0-7])|u0+\b|U0+\b|c)/.test(part.text)
        )
          return [opaque('an escape that bash reads in its own way', part.text)]
        return [{ kind: 'text', value: part.value }]
      case 'DoubleQuoted':
        // An empty string is a word too.
        if (part.parts.length === 0) return [{ kind: 'text', value: '' }]
        return part.parts.flatMap((child) => this.pieces(child, true))
      case 'LocaleString':
        return [
          opaque('a translated string', part.text),
          ...part.parts.flatMap((child) => this.pieces(child, true)),
        ]
      case 'Glob':
        if (part.kind === 'bracket' && !plainBracket.test(part.text))
          return [opaque('a bracket pattern', part.text)]
        return [{ kind: 'glob', text: part.text }]
      case 'SimpleExpansion':
        if (!simpleVariable.test(part.text))
          return [opaque('a variable of a strange name', part.text)]
        return [
          { kind: 'variable', name: part.text.slice(1), text: part.text, quoted, plain: true },
        ]
      case 'ParameterExpansion':
        return this.#parameter(part, quoted)
      case 'CommandExpansion':
        return [{ kind: 'script', script: this.#parts.script(part.script), quoted }]
      case 'ProcessSubstitution':
        return [
          { kind: 'process', script: this.#parts.script(part.script), operator: part.operator },
        ]
      case 'ArithmeticExpansion':
        if (plainArithmetic.test(part.text))
          return [{ kind: 'variable', name: '', text: part.text, quoted, plain: true }]
        return this.arithmetic(part.text.slice(3, -2)).flatMap((word) => word.pieces ?? [])
      case 'ExtendedGlob':
        return [
          opaque('an extended pattern', part.text),
          ...(part.parts ?? []).flatMap((child) => this.pieces(child, quoted)),
        ]
      case 'BraceExpansion':
        return [opaque('a brace expansion', part.text)]
    }
  }

  #parameter(part: Extract<WordPart, { type: 'ParameterExpansion' }>, quoted: boolean): Piece[] {
    const operation = part.operation
    const operands: Piece[] = []
    if (this.#expansions >= mostExpansions) {
      this.#parts.fault(`expansions nested more than ${mostExpansions} deep`)
      return [opaque('an expansion nested too deep', part.text)]
    }
    this.#expansions += 1
    const add = (word: ParsedWord | undefined): void => {
      if (word) operands.push(...this.all(word).flatMap((each) => each.pieces ?? []))
    }
    add(part.index)
    if (operation) {
      if ('operand' in operation) add(operation.operand)
      if (operation.type === 'Replace') {
        add(operation.pattern)
        add(operation.replacement)
      }
      if (operation.type === 'Slice') {
        add(operation.offset)
        add(operation.length)
      }
    }
    const wholeArray =
      part.index === undefined || part.index.value === '@' || part.index.value === '*'
    const readable =
      part.prefix !== '!' &&
      wholeArray &&
      (operation === undefined ||
        operation.type === 'Remove' ||
        operation.type === 'Replace' ||
        operation.type === 'CaseModification' ||
        (operation.type === 'Default' && /[-+]$/.test(operation.operator)))
    const inert = operands.every((piece) => piece.kind === 'text' || piece.kind === 'glob')
    if (readable && inert && bracedVariable.test(part.text)) {
      const plain = operation === undefined && part.prefix === undefined
      return [{ kind: 'variable', name: part.parameter, text: part.text, quoted, plain }]
    }
    return [opaque('an expansion that can do more than read', part.text), ...operands]
  }
}
