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
} from 'unbash'
import { parse } from 'unbash'
import { compound, concat, join, opaque } from './build-tree.ts'
import type {
  Assignment,
  CommandNode,
  Compound,
  ParsedCommand,
  Redirect,
  Word,
} from './command-tree.ts'
import { type BraceAllowance, WordLowering } from './lower-words.ts'
import { coversText, nestsExpansions } from './parser-guards.ts'

const deepest = 16
// Each level of a long text is parsed again: depth times length is bounded.
const deepestOfLong = 6
const long = 2048
const mostNodes = 20_000
/** Words that braces make, after which they make no more than their text has characters. */
export const mostFromBraces = 1024

/**
 * Parses bash text into the classifier’s tree. Only this file and `lower-words.ts` know the parser.
 * Its lazily parsed inner scripts are opened here, and every error found anywhere is a fault of the
 * whole.
 */
export function parseCommand(
  text: string,
  braces: BraceAllowance = { left: mostFromBraces },
): ParsedCommand {
  return new Lowering(braces).run(text)
}

class Lowering {
  readonly #faults: string[] = []
  #nodes = 0
  #depth = 0
  readonly #words: WordLowering
  #deepest = deepest

  constructor(braces: BraceAllowance) {
    this.#words = new WordLowering({
      braces,
      fault: (reason) => this.#fault(reason),
      script: (script) => this.#script(script),
    })
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
        const words: Word[] = node.name ? this.#words.all(node.name) : []
        const assignments: Assignment[] = []
        const redirects: Redirect[] = []
        for (const part of node.prefix) {
          if (part.type === 'Assignment') assignments.push(this.#assignment(part))
          else redirects.push(this.#redirect(part))
        }
        for (const part of node.suffix) {
          if (part.type === 'Word') {
            if (part.parts === undefined) words.push(this.#words.plain(part))
            else words.push(...this.#words.all(part))
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
        const items = (node.wordlist ?? []).flatMap((word) => [' ', ...this.#words.all(word)])
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
        const shape: Compound['shape'][number][] = ['case ', ...this.#words.all(node.word), ' in ']
        for (const item of node.items) {
          for (const pattern of item.pattern) shape.push(...this.#words.all(pattern))
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
        return compound('arithmetic', ['(( ', ...this.#words.arithmetic(node.body), ' ))'], false)
    }
  }

  #test(expression: TestExpression, shape: (string | Word)[]): boolean {
    switch (expression.type) {
      case 'TestUnary': {
        const operand = this.#words.one(expression.operand)
        shape.push(`${expression.operator} `, operand)
        return /^-[abcdefghknprstuwxzGLNOS]$/.test(expression.operator)
      }
      case 'TestBinary': {
        const [left, right] = [this.#words.one(expression.left), this.#words.one(expression.right)]
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
        ? concat(node.value.elements.map((element) => this.#words.one(element)))
        : this.#words.one(node.value)
    const index = node.index ? this.#words.one(node.index) : undefined
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
    const target = node.target ? this.#words.one(node.target) : { value: '' }
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
    const pieces = node.body.parts.flatMap((part) => this.#words.pieces(part, true) ?? [])
    if (pieces.every((piece) => piece.kind === 'text') && !body.includes('\\'))
      return { value: body }
    return { value: body, pieces: [...pieces, opaque('an expanded here-document', body)] }
  }
}

const emptyCommand: CommandNode = { kind: 'simple', assignments: [], words: [], redirects: [] }
