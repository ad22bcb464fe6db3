import type { CommandNode, SimpleCommand, Word } from '../shell/command-tree.ts'
import { isNode } from '../shell/command-tree.ts'
import type { Policy } from '../rules/policy.ts'
import { codeOptions } from './code-calls.ts'
import { takesOrders } from './input-code.ts'
import { mayHoldCode } from './option-code.ts'
import { isSender } from './sinks.ts'

/** Programs that work on another command's output. */
const consumers = new Set('xargs gxargs parallel at batch crontab source . eval'.split(' '))
/** Words in which a wrapper's own command is looked for. */
const mostWords = 12
const keptPlace = /(?:^|[/@=])\.(?![./])|^(?:\w+=)?@?\/(?:etc|run|root|home|var|proc)\b/

/**
 * Whether any data passes between parts of a command, or any word is code: otherwise following it
 * finds nothing new.
 */
export function carriesData(node: CommandNode, policy: Policy, isPiped = false): boolean {
  if (
    node.redirects.some(
      ({ target }) => isComputed(target) || /^\/dev\/(?:tcp|udp)\//.test(target.value),
    )
  )
    return true
  if (node.kind === 'simple') return usesData(node, policy, isPiped)
  const pipes = isPiped || node.kind === 'pipeline' || node.kind === 'list'
  return (
    node.kind === 'function' ||
    node.shape.some((part) => {
      if (typeof part === 'string') return false
      return isNode(part) ? carriesData(part, policy, pipes) : isComputed(part)
    })
  )
}

function usesData(
  { words, assignments, redirects }: SimpleCommand,
  policy: Policy,
  isPiped: boolean,
): boolean {
  if (words.some(isComputed) || assignments.some(({ value }) => isComputed(value))) return true
  const program = nameOf(words[0])
  const keeps = redirects.some(
    ({ operator, target }) =>
      operator.startsWith('>') && !target.value.startsWith('/dev/') && operator !== '>&',
  )
  if (isPiped && (keeps || words[0]?.value.includes('/') === true)) return true
  if (isUser(program, words, policy, isPiped || redirects.length > 0)) return true
  if (!policy.wrappers.has(program)) return false
  return words
    .slice(1, mostWords)
    .some((word) => isUser(nameOf(word), words, policy, isPiped || redirects.length > 0))
}

function isUser(program: string, words: readonly Word[], policy: Policy, isFed: boolean): boolean {
  if (consumers.has(program) || policy.shells.has(program)) return true
  if (isSender(program)) return isFed || words.some(namesStore)
  if (codeOptions(program)) return isFed || words.some(({ value }) => value.startsWith('-'))
  if (program === 'find' || program === 'gfind') return words.some(isAction)
  if (program === 'fd' || program === 'fdfind')
    return words.some(({ value }) => /^-x|^-X|^--exec/.test(value))
  if (program === 'make' || program === 'gmake') return isFed
  if (isFed && takesOrders(program)) return true
  return mayHoldCode(program, words)
}

function namesStore({ value, pieces }: Word): boolean {
  return pieces?.some(({ kind }) => kind === 'tilde') === true || keptPlace.test(value)
}

function isAction({ value }: Word): boolean {
  return value.startsWith('-exec') || value.startsWith('-ok') || value === '-delete'
}

function nameOf(word: Word | undefined): string {
  const value = word?.value ?? ''
  return value.slice(value.lastIndexOf('/') + 1)
}

function isComputed({ pieces }: Word): boolean {
  return pieces?.some(({ kind }) => kind !== 'glob' && kind !== 'text' && kind !== 'tilde') ?? false
}
