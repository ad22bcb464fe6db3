import type { CommandNode, Word } from '../shell/command-tree.ts'
import { isNode } from '../shell/command-tree.ts'
import { programsOf } from '../shell/command-text.ts'

/**
 * The budget of the search for functions that start themselves; shared by all functions of a
 * command.
 */
export interface Allowance {
  left: number
}

/** Whether a function calls itself more than once, or once beside a process of its own. */
export function startsItself(body: CommandNode, name: string, allowance: Allowance): boolean {
  const calls = countCalls(body, name, allowance)
  return calls > 1 || (calls === 1 && showsAmpersand(body, allowance))
}

/** How often a name is called, up to two. */
function countCalls(node: CommandNode, name: string, allowance: Allowance): number {
  allowance.left -= 1
  if (allowance.left < 0) return 0
  if (node.kind === 'simple') return programsOf(node).filter((program) => program === name).length
  let calls = 0
  for (const part of node.shape) {
    if (calls > 1) break
    if (typeof part !== 'string' && isNode(part)) calls += countCalls(part, name, allowance)
  }
  return calls
}

function showsAmpersand(node: CommandNode, allowance: Allowance): boolean {
  allowance.left -= 1
  if (allowance.left < 0) return false
  const inWord = (word: Word): boolean => wordShowsAmpersand(word, allowance)
  if (node.redirects.some(({ operator, target }) => operator.includes('&') || inWord(target)))
    return true
  if (node.kind === 'simple')
    return node.words.some(inWord) || node.assignments.some(({ value }) => inWord(value))
  return node.shape.some((part) => {
    if (typeof part === 'string') return part.includes('&')
    return isNode(part) ? showsAmpersand(part, allowance) : inWord(part)
  })
}

function wordShowsAmpersand(word: Word, allowance: Allowance): boolean {
  if (!word.pieces) return word.value.includes('&')
  return word.pieces.some((piece) => {
    if (piece.kind === 'text') return piece.value.includes('&')
    if (piece.kind === 'script' || piece.kind === 'process')
      return piece.script !== null && showsAmpersand(piece.script, allowance)
    return piece.text.includes('&')
  })
}
