import type { CommandNode, Compound, Word } from './command-tree.ts'
import { isNode } from './command-tree.ts'
import type { ResolvedWord } from './resolve-words.ts'

/** Values of a loop that are judged one by one; with more the variable is as unknown as any. */
const mostValues = 16

/** Commands that give a variable, which they name, another value. */
const binders =
  /^(?:read|mapfile|readarray|getopts|unset|declare|typeset|local|export|readonly|let|eval|source|\.)$/

/** A loop over words that are known before it runs. */
export interface Loop {
  readonly name: string
  /** a pattern stands for each name that it finds */
  readonly values: readonly ResolvedWord[]
}

/** The loop that a `for` over known words or patterns is, whose body leaves its variable alone; undefined otherwise. */
export function loopOf(node: Compound, resolve: (word: Word) => ResolvedWord): Loop | undefined {
  const { kind, name, shape } = node
  if (kind !== 'for' || name === undefined || !node.reproducible) return undefined
  const words = shape.filter((part): part is Word => typeof part !== 'string' && !isNode(part))
  if (words.length === 0 || words.length > mostValues) return undefined
  const values = words.map(resolve)
  const areKnown = values.every(
    ({ exact, glob, opaque, secret, data }) =>
      (exact || glob) && !data && opaque === undefined && secret === undefined,
  )
  const isBound = shape.some(
    (part) => typeof part !== 'string' && isNode(part) && binds(part, name),
  )
  return areKnown && !isBound ? { name, values } : undefined
}

/** Whether a command may give the variable another value. */
function binds(node: CommandNode, name: string): boolean {
  if (node.kind !== 'simple') {
    if ((node.kind === 'for' || node.kind === 'select') && node.name === name) return true
    if (node.kind === 'arithmetic' || node.kind === 'function') return true
    return node.shape.some((part) => typeof part !== 'string' && isNode(part) && binds(part, name))
  }
  if (node.assignments.some((assignment) => assignment.name === name)) return true
  const [program, first] = node.words
  if (program?.value === 'printf' && first?.pieces === undefined && !first?.value.startsWith('-'))
    return false
  // a word with something inside it may set it as well: `${f:=x}`, `$((f=1))`
  const held = [...node.words, ...node.assignments.map(({ value }) => value)]
  if (held.some(({ pieces = [] }) => pieces.some(({ kind }) => kind === 'opaque'))) return true
  if (program === undefined) return false
  return program.pieces !== undefined || program.value === 'printf' || binders.test(program.value)
}
