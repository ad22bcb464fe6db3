import type {
  Assignment as ParsedAssignment,
  CompoundList,
  CommandNode as ParsedNode,
  Elif,
  ParsedScript,
  PipelineNode,
  Redirection,
  Statement,
  TestExpression,
  Word as ParsedWord,
  WordPart,
} from 'unbash'
import { parse } from 'unbash'
import { compound, concat, fromPieces, join, opaque } from './build-tree.ts'
import type {
  Assignment,
  CommandNode,
  Compound,
  ParsedCommand,
  Piece,
  Redirect,
  Word,
} from './command-tree.ts'
import { expandBraces, mostWords } from './expand-braces.ts'
import { coversText, nestsExpansions } from './parser-guards.ts'

const deepest = 16
// Each level of a long text is parsed again: depth times length is bounded.
const deepestOfLong = 6
const long = 2048
const mostExpansions = 3
const mostNodes = 20_000
/** Words that braces make, after which they make no more than their text has characters. */
export const mostFromBraces = 1024
const plainArithmetic = /^\$\(\([\d\s+\-*/%()<>!&|^~?:]*\)\)$/
const plainBracket = /^\[[!^]?[A-Za-z0-9_.,:[\]-]+\]$/
const simpleVariable = /^\$(?:[A-Za-z_]\w*|[0-9@*#?$!_-])$/
const bracedVariable = /^\$\{#?\w+(?:\[[@*]\])?[^$`"'\\{}()]*\}$/

/**
 * Parses bash text into the classifier's tree. The only place that knows the parser: its lazily parsed
 * inner scripts are opened here, and every error found anywhere is a fault of the whole.
 */
export function parseCommand(
  text: string,
  braces: BraceAllowance = { left: mostFromBraces },
): ParsedCommand {
  return new Lowering(braces).run(text)
}

/** Words that braces may still make; shared by all texts of one command. */
export interface BraceAllowance {
  left: number
}

class Lowering {
  readonly #faults: string[] = []
  #nodes = 0
  #depth = 0
  #expansions = 0
  readonly #braces: BraceAllowance
  #deepest = deepest

  constructor(braces: BraceAllowance) {
    this.#braces = braces
  }

  run(text: string): ParsedCommand {
    if (text.length > long) this.#deepest = deepestOfLong
    let root: CommandNode | null = null
    if (nestsExpansions(text)) {
      this.#fault('expansions nested too deep to read')
      return { root, faults: this.#faults }
    }
    try {
      const script = parse(text)
      if (!coversText(script.commands, text)) this.#fault('text that the parser left out')
      root = this.#script(script)
    } catch (error) {
      this.#fault(
        Error.isError(error) ? `the parser failed: ${error.message}` : 'the parser failed',
      )
    }
    return { root, faults: this.#faults }
  }

  #fault(reason: string): void {
    if (this.#faults.length < 8) this.#faults.push(reason)
  }

  #script(script: ParsedScript | undefined): CommandNode | null {
    if (script === undefined) {
      this.#fault('a substitution that could not be read')
      return null
    }
    if (this.#depth >= this.#deepest) {
      this.#fault(`nested more than ${this.#deepest} deep`)
      return null
    }
    for (const error of script.errors ?? []) this.#fault(error.message)
    if (script.shebang !== undefined) this.#fault('a script with an interpreter line')
    this.#depth += 1
    const node = this.#statements(script.commands)
    this.#depth -= 1
    return node
  }

  #statements(statements: readonly Statement[]): CommandNode | null {
    const nodes = statements.map((statement) => this.#statement(statement))
    if (nodes.length <= 1) return nodes[0] ?? null
    return compound('list', join(nodes, '; '), true)
  }

  #body(list: CompoundList | undefined): CommandNode {
    if (list && this.#depth >= 64) {
      this.#fault('compounds nested more than 64 deep')
      return emptyCommand
    }
    this.#depth += 1
    const node = list ? this.#statements(list.commands) : null
    this.#depth -= 1
    return node ?? emptyCommand
  }

  #statement(statement: Statement): CommandNode {
    const node = this.#pipelineOrList(statement.command)
    return statement.background ? compound('background', [node, ' &'], false) : node
  }

  #pipelineOrList(node: Statement['command']): CommandNode {
    if (node.type !== 'AndOr') return this.#pipelineNode(node)
    const shape: (string | CommandNode)[] = []
    node.commands.forEach((command, index) => {
      if (index > 0) shape.push(` ${node.operators[index - 1] ?? '&&'} `)
      shape.push(this.#pipelineNode(command))
    })
    return compound('list', shape, true)
  }

  #pipelineNode(node: PipelineNode): CommandNode {
    if (node.type !== 'Pipeline') return this.#command(node)
    const shape: (string | CommandNode)[] = []
    for (const prefix of node.prefixes) {
      if (prefix.type === 'Negation') shape.push('! ')
      else shape.push(prefix.posix ? 'time -p ' : 'time ')
    }
    node.commands.forEach((command, index) => {
      if (index > 0) shape.push(` ${node.operators[index - 1] ?? '|'} `)
      shape.push(this.#command(command))
    })
    return compound('pipeline', shape, true)
  }

  #command(node: ParsedNode | CompoundList): CommandNode {
    this.#nodes += 1
    if (this.#nodes > mostNodes) throw new RangeError('more parts than are judged')
    switch (node.type) {
      case 'Command': {
        const words: Word[] = node.name ? this.#words(node.name) : []
        const assignments: Assignment[] = []
        const redirects: Redirect[] = []
        for (const part of node.prefix) {
          if (part.type === 'Assignment') assignments.push(this.#assignment(part))
          else redirects.push(this.#redirect(part))
        }
        for (const part of node.suffix) {
          if (part.type === 'Word') {
            if (part.parts === undefined) words.push(this.#plainWord(part))
            else words.push(...this.#words(part))
          } else if (part.type === 'Assignment') words.push(this.#assignmentWord(part))
          else redirects.push(this.#redirect(part))
        }
        return { kind: 'simple', assignments, words, redirects }
      }
      case 'Redirected': {
        const inner = this.#command(node.command)
        const redirects = node.redirects.map((redirect) => this.#redirect(redirect))
        return inner.kind === 'simple'
          ? { ...inner, redirects: [...inner.redirects, ...redirects] }
          : { ...inner, redirects }
      }
      case 'Subshell':
        return compound('subshell', ['( ', this.#body(node.body), ' )'], true)
      case 'BraceGroup':
        return compound('group', ['{ ', this.#body(node.body), '; }'], true)
      case 'CompoundList':
        return this.#body(node)
      case 'If': {
        const shape: Compound['shape'][number][] = ['if ', this.#body(node.clause)]
        shape.push('; then ', this.#body(node.then))
        node.elif.forEach((elif: Elif) => {
          shape.push('; elif ', this.#body(elif.clause), '; then ', this.#body(elif.then))
        })
        if (node.else) shape.push('; else ', this.#body(node.else))
        return compound('if', [...shape, '; fi'], true)
      }
      case 'While':
        return compound(
          'while',
          [`${node.kind} `, this.#body(node.clause), '; do ', this.#body(node.body), '; done'],
          true,
        )
      case 'For':
      case 'Select': {
        const items = (node.wordlist ?? []).flatMap((word) => [' ', ...this.#words(word)])
        const isFor = node.type === 'For'
        const head = node.wordlist ? `${node.name.value} in` : node.name.value
        const keyword = isFor ? 'for' : 'select'
        return {
          ...compound(
            keyword,
            [`${keyword} ${head}`, ...items, '; do ', this.#body(node.body), '; done'],
            // An upper-case name can be one that steers programs: `for PATH in …`.
            isFor && /^[a-z][a-z0-9_]*$/.test(node.name.value),
          ),
          name: node.name.value,
        }
      }
      case 'ArithmeticFor':
        return compound('for', ['for ((…)); do ', this.#body(node.body), '; done'], false)
      case 'Case': {
        const shape: Compound['shape'][number][] = ['case ', ...this.#words(node.word), ' in ']
        for (const item of node.items) {
          for (const pattern of item.pattern) shape.push(...this.#words(pattern))
          shape.push(') ', this.#body(item.body), ' ;; ')
        }
        return compound('case', [...shape, 'esac'], false)
      }
      case 'Function':
        return {
          ...compound('function', [`${node.name.value} () `, this.#command(node.body)], false),
          name: node.name.value,
        }
      case 'Coproc':
        return compound('coproc', ['coproc ', this.#command(node.body)], false)
      case 'TestCommand': {
        const shape: (string | Word)[] = []
        const reproducible = this.#test(node.expression, shape)
        return compound('test', ['[[ ', ...shape, ' ]]'], reproducible)
      }
      case 'ArithmeticCommand':
        return compound('arithmetic', ['(( ', ...this.#opaqueWord(node.body), ' ))'], false)
    }
  }

  #test(expression: TestExpression, shape: (string | Word)[]): boolean {
    switch (expression.type) {
      case 'TestUnary': {
        const operand = this.#word(expression.operand)
        shape.push(`${expression.operator} `, operand)
        return /^-[abcdefghknprstuwxzGLNOS]$/.test(expression.operator)
      }
      case 'TestBinary': {
        const [left, right] = [this.#word(expression.left), this.#word(expression.right)]
        shape.push(left, ` ${expression.operator} `, right)
        return /^(==?|!=|-nt|-ot|-ef)$/.test(expression.operator)
      }
      case 'TestLogical':
        return expression.operands
          .map((operand, index) => {
            if (index > 0) shape.push(` ${expression.operator} `)
            return this.#test(operand, shape)
          })
          .every(Boolean)
      case 'TestNot':
        shape.push('! '.repeat(expression.negations.length))
        return this.#test(expression.operand, shape)
      case 'TestGroup': {
        shape.push('( ')
        const reproducible = this.#test(expression.expression, shape)
        shape.push(' )')
        return reproducible
      }
    }
  }

  #assignment(node: ParsedAssignment): Assignment {
    const isArray = node.value.type === 'ArrayValue'
    const value =
      node.value.type === 'ArrayValue'
        ? concat(node.value.elements.map((element) => this.#word(element)))
        : this.#word(node.value)
    const index = node.index ? this.#word(node.index) : undefined
    return {
      name: node.name,
      value: index ? concat([value, index]) : value,
      plain: !isArray && !node.append && !index,
    }
  }

  /** An assignment in an argument's place (`export A=b`, `declare x[…]=y`). */
  #assignmentWord(node: ParsedAssignment): Word {
    const { name, value, plain } = this.#assignment(node)
    const prefix: Word = { value: `${name}=` }
    if (plain) return concat([prefix, value])
    return concat([prefix, value, { value: '', pieces: [opaque('an array', node.text)] }])
  }

  #redirect(node: Redirection): Redirect {
    const descriptor = node.descriptor
    const fd = descriptor?.type === 'FileDescriptor' ? descriptor.value : undefined
    const fdVariable = descriptor?.type === 'FileDescriptorVariable' ? descriptor.name : undefined
    if (node.type === 'HereDoc')
      return { operator: '<<', fd, fdVariable, target: this.#hereDoc(node) }
    const target = node.target ? this.#word(node.target) : { value: '' }
    if (!node.target) this.#fault('a redirection without a target')
    return { operator: node.operator, fd, fdVariable, target }
  }

  #hereDoc(node: Extract<Redirection, { type: 'HereDoc' }>): Word {
    if (!node.closing) this.#fault('a here-document without its end')
    if (!node.delimiter) this.#fault('a here-document without a delimiter')
    const quoted = node.delimiter?.quoted ?? false
    const body = node.operator === '<<-' ? node.body.text.replace(/^\t+/gm, '') : node.body.text
    if (quoted) return { value: body }
    if (!node.body.parts) {
      // Bash still takes backslashes out of an unquoted body.
      return body.includes('\\')
        ? { value: body, pieces: [opaque('backslashes', body)] }
        : { value: body }
    }
    const pieces = node.body.parts.flatMap((part) => this.#pieces(part, true) ?? [])
    if (pieces.every((piece) => piece.kind === 'text') && !body.includes('\\'))
      return { value: body }
    return { value: body, pieces: [...pieces, opaque('an expanded here-document', body)] }
  }

  #opaqueWord(text: string): Word[] {
    // Names in arithmetic may hold subscripts with commands; parsing it as a word finds those.
    const inner =
      text.includes('$(') || text.includes('`') ? parse(`: "${text.replaceAll('"', '')}"`) : null
    const script = inner ? this.#script(inner) : null
    const scripts: Piece[] = inner ? [{ kind: 'script', script, quoted: true }] : []
    return [{ value: text, pieces: [...scripts, opaque('arithmetic', text)] }]
  }

  #plainWord(word: ParsedWord): Word {
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
  #word(word: ParsedWord): Word {
    const words = this.#words(word)
    return words.length === 1 && words[0]
      ? words[0]
      : { value: word.value, pieces: [opaque('a brace expansion', word.text)] }
  }

  #words(word: ParsedWord): Word[] {
    if (word.parts === undefined) return [this.#plainWord(word)]
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
      groups.push(...this.#pieces(part, false))
    })
    if (braces) {
      const isMuch = this.#braces.left < 0
      const expanded = expandBraces(
        groups,
        isMuch ? Math.min(word.text.length, mostWords) : mostWords,
      )
      if (expanded) {
        this.#braces.left -= expanded.length
        return expanded.map((pieces) => fromPieces(pieces))
      }
      const kept = groups.filter((group) => typeof group !== 'string')
      return [fromPieces([...kept, opaque('a brace expansion', word.text)])]
    }
    return [fromPieces(groups as Piece[])]
  }

  #pieces(part: WordPart, quoted: boolean): Piece[] {
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
        return part.parts.flatMap((child) => this.#pieces(child, true))
      case 'LocaleString':
        return [
          opaque('a translated string', part.text),
          ...part.parts.flatMap((child) => this.#pieces(child, true)),
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
        return [{ kind: 'script', script: this.#script(part.script), quoted }]
      case 'ProcessSubstitution':
        return [{ kind: 'process', script: this.#script(part.script), operator: part.operator }]
      case 'ArithmeticExpansion':
        if (plainArithmetic.test(part.text))
          return [{ kind: 'variable', name: '', text: part.text, quoted, plain: true }]
        return this.#opaqueWord(part.text.slice(3, -2)).flatMap((word) => word.pieces ?? [])
      case 'ExtendedGlob':
        return [
          opaque('an extended pattern', part.text),
          ...(part.parts ?? []).flatMap((child) => this.#pieces(child, quoted)),
        ]
      case 'BraceExpansion':
        return [opaque('a brace expansion', part.text)]
    }
  }

  #parameter(part: Extract<WordPart, { type: 'ParameterExpansion' }>, quoted: boolean): Piece[] {
    const operation = part.operation
    const operands: Piece[] = []
    if (this.#expansions >= mostExpansions) {
      this.#fault(`expansions nested more than ${mostExpansions} deep`)
      return [opaque('an expansion nested too deep', part.text)]
    }
    this.#expansions += 1
    const add = (word: ParsedWord | undefined): void => {
      if (word) operands.push(...this.#words(word).flatMap((each) => each.pieces ?? []))
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

const emptyCommand: CommandNode = { kind: 'simple', assignments: [], words: [], redirects: [] }
