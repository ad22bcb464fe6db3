import type { CommandNode, Compound, Piece, Redirect, SimpleCommand, Word } from './command-tree.ts'
import { isNode } from './command-tree.ts'
import { quoteForShell, quoteIfNeeded } from '@centralpost/shared'

/** How a simple command is printed in place of itself; undefined leaves it as it is. */
export type Rewrite = (command: SimpleCommand) => SimpleCommand | undefined

/**
 * Prints a command from its tree with every word quoted. Only for trees judged reproducible.
 *
 * @throws {TypeError} on a piece without a faithful spelling
 */
export function printScript(node: CommandNode, rewrite: Rewrite = () => undefined): string {
  if (node.kind === 'simple') return printSimple(rewrite(node) ?? node, rewrite)
  if (!node.reproducible) throw new TypeError(`a ${node.kind} is not printed again`)
  const body = node.shape
    .map((part) => {
      if (typeof part === 'string') return part
      return isNode(part) ? printScript(part, rewrite) : printWord(part, rewrite)
    })
    .join('')
  return [body, ...node.redirects.map((redirect) => printRedirect(redirect, rewrite))].join(' ')
}

function printSimple(command: SimpleCommand, rewrite: Rewrite): string {
  return [
    ...command.assignments.map(({ name, value }) => `${name}=${printWord(value, rewrite)}`),
    ...command.words.map((word) => printWord(word, rewrite)),
    ...command.redirects.map((redirect) => printRedirect(redirect, rewrite)),
  ].join(' ')
}

function printWord(word: Word, rewrite: Rewrite): string {
  if (!word.pieces) return quoteForShell(word.value)
  return word.pieces
    .map((piece, index) => {
      const before = word.pieces?.[index - 1]
      // Bash takes `~` for a home only when the slash after it is not quoted.
      if (before?.kind === 'tilde' && piece.kind === 'text')
        return `/${quoteForShell(piece.value.slice(1))}`
      return printPiece(piece, rewrite)
    })
    .join('')
}

function printPiece(piece: Piece, rewrite: Rewrite): string {
  switch (piece.kind) {
    case 'text':
      return quoteForShell(piece.value)
    case 'glob':
    case 'tilde':
      return piece.text
    case 'variable':
      return piece.quoted ? `"${piece.text}"` : piece.text
    case 'script': {
      const script = piece.script === null ? '' : printScript(piece.script, rewrite)
      return piece.quoted ? `"$(${script}\n)"` : `$(${script}\n)`
    }
    case 'process':
      return `${piece.operator}(${piece.script === null ? '' : printScript(piece.script, rewrite)}\n)`
    case 'opaque':
      throw new TypeError(`${piece.reason} is not printed again`)
  }
}

function printRedirect(redirect: Redirect, rewrite: Rewrite): string {
  const fd = redirect.fd === undefined ? '' : String(redirect.fd)
  if (redirect.operator === '<<') {
    // A here-string adds the newline that the body ends with.
    return `${fd}<<< ${quoteForShell(redirect.target.value.replace(/\n$/, ''))}`
  }
  const space = redirect.operator.endsWith('&') ? '' : ' '
  return `${fd}${redirect.operator}${space}${printWord(redirect.target, rewrite)}`
}

/**
 * The command for people and patterns: words resolved, quoted only where needed. Prints one line,
 * with here-document bodies below it as in a script.
 *
 * @param most characters after which the rest may be left out, because it would be cut anyway
 */
export function describe(node: CommandNode, most = Number.POSITIVE_INFINITY): string {
  const bodies: string[] = []
  const line = describeLine(node, most, bodies)
  return bodies.length === 0 ? line : [line, ...bodies].join('\n')
}

function describeLine(node: CommandNode, most: number, bodies: string[]): string {
  let text = ''
  let isFirst = true
  const add = (part: string): void => {
    text = isFirst ? part : `${text} ${part}`
    isFirst = false
  }
  if (node.kind === 'simple') {
    for (const { name, value } of node.assignments) {
      if (text.length > most) return text
      add(`${name}=${describeWord(value, most)}`)
    }
    for (const word of node.words) {
      if (text.length > most) return text
      add(describeWord(word, most))
    }
  } else add(describeShape(node, most, bodies))
  for (const redirect of node.redirects) {
    if (text.length > most) return text
    add(describeRedirect(redirect, most, bodies))
  }
  return text
}

function describeShape(node: Compound, most: number, bodies: string[]): string {
  let text = ''
  for (const part of node.shape) {
    if (text.length > most) break
    if (typeof part === 'string') text += part
    else {
      text += isNode(part)
        ? describeLine(part, most - text.length, bodies)
        : describeWord(part, most)
    }
  }
  return text
}

export function describeWord(word: Word, most = Number.POSITIVE_INFINITY): string {
  if (!word.pieces) return quoteIfNeeded(word.value)
  return word.pieces
    .map((piece) => {
      if (piece.kind === 'text') return piece.value === '' ? '' : quoteIfNeeded(piece.value)
      if (piece.kind === 'script') return `$(${piece.script ? describe(piece.script, most) : ''})`
      if (piece.kind === 'process')
        return `${piece.operator}(${piece.script ? describe(piece.script, most) : ''})`
      return piece.text
    })
    .join('')
}

function describeRedirect(redirect: Redirect, most: number, bodies: string[]): string {
  const fd = redirect.fdVariable ? `{${redirect.fdVariable}}` : String(redirect.fd ?? '')
  if (redirect.operator === '<<') return `${fd}${describeHereDocument(redirect.target, bodies)}`
  return `${fd}${redirect.operator}${describeWord(redirect.target, most)}`
}

/** A here-document's sign; its body goes below the line, with a delimiter that does not stand in it. */
function describeHereDocument(target: Word, bodies: string[]): string {
  const body = (target.pieces ? describeBody(target.pieces) : target.value).replace(/\n$/, '')
  let delimiter = 'EOF'
  while (body.split('\n').includes(delimiter)) delimiter += '_'
  bodies.push(body, delimiter)
  return target.pieces ? `<<${delimiter}` : `<<'${delimiter}'`
}

const describeBody = (pieces: readonly Piece[]): string =>
  pieces
    .map((piece) => {
      if (piece.kind === 'text') return piece.value
      if (piece.kind === 'script') return `$(${piece.script ? describe(piece.script) : ''})`
      if (piece.kind === 'process')
        return `${piece.operator}(${piece.script ? describe(piece.script) : ''})`
      return piece.text
    })
    .join('')
