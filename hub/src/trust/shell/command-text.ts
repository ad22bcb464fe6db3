import { shorten as shortenTo } from '@centralpost/shared'
import type { CommandNode, SimpleCommand, Word } from './command-tree.ts'
import { isNode } from './command-tree.ts'
import { describe, describeWord } from './print-command.ts'
import type { ResolvedWord } from './resolve-words.ts'

const mostWords = 200
const longestText = 400
/** Characters of a whole command that patterns are tried on. */
export const longestMasked = 4096

/** The words of an inner command; the whole command tells them all. */
export function describeSome(words: readonly ResolvedWord[]): string {
  if (words.length <= mostWords) return describeWords(words)
  return `${describeWords(words.slice(0, mostWords))} …`
}

export function describeWords(words: readonly ResolvedWord[]): string {
  return words.map(({ word }) => describeWord(word)).join(' ')
}

export function describeShort(node: CommandNode): string {
  return shorten(describe(node, longestText))
}

/** A text as a verdict shows it. */
export function shorten(text: string): string {
  return shortenTo(text, longestText)
}

export function programsOf(node: CommandNode): string[] {
  if (node.kind === 'simple') {
    return node.words.slice(0, 4).map(({ value }) => value.slice(value.lastIndexOf('/') + 1))
  }
  return node.shape.filter(isNodePart).flatMap(programsOf)
}

export function isNodePart(part: string | Word | CommandNode): part is CommandNode {
  return isNode(part)
}

/** The whole command for patterns, as far as patterns look. */
export function maskedText(node: CommandNode, texts: ReadonlyMap<SimpleCommand, string>): string {
  if (node.kind === 'simple') return texts.get(node) ?? describe(node)
  let text = ''
  for (const part of node.shape) {
    if (text.length > longestMasked) break
    if (typeof part === 'string') text += part
    else text += isNode(part) ? maskedText(part, texts) : '…'
  }
  return text
}
