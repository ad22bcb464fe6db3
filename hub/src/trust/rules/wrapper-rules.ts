import type { Assignment } from '../shell/command-tree.ts'
import { execRanges } from './checks/find-expression.ts'
import type { OptionTable, ReadArguments } from './options.ts'
import { compileOptions, readArguments, split } from './options.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import type { WrapperSource } from './rule-schema.ts'
import { fillInner, isXargs } from './xargs.ts'
import type { Floor, Inner, Unwrapped } from './unwrapped.ts'

/** A program takes code by few of its options; more is an attempt to tire the judge. */
const mostTexts = 4

/** A program that runs another one, compiled. */
export interface Wrapper {
  readonly table: OptionTable
  readonly sub: RegExp | undefined
  readonly unless: ReadonlySet<string>
  readonly skip: number
  readonly assignments: boolean
  readonly inner: 'rest' | 'text' | 'all' | 'first' | 'none'
  readonly code: ReadonlySet<string>
  /** names of options that say where the inner command works */
  readonly directory: ReadonlySet<string>
  readonly floor: Floor
  readonly reason: string | undefined
}

export function compileWrapper(source: WrapperSource): [string[], Wrapper] {
  const programs = typeof source.program === 'string' ? [source.program] : source.program
  return [
    programs,
    {
      table: compileOptions(source),
      sub: source.sub === undefined ? undefined : new RegExp(`^(?:${source.sub})$`),
      unless: new Set(split(source.unless)),
      skip: source.skip ?? 0,
      assignments: source.assignments ?? false,
      inner: source.inner ?? 'rest',
      code: new Set(split(source.code)),
      directory: new Set(split(source.directory)),
      floor: source.floor ?? 'review',
      reason: source.reason,
    },
  ]
}

/**
 * Takes one layer of wrapping off.
 *
 * @param words the wrapper and its arguments
 * @returns undefined when the words are not of the wrapper's kind (`docker ps` is no `docker exec`)
 */
export function unwrap(wrapper: Wrapper, words: readonly ResolvedWord[]): Unwrapped | undefined {
  if (wrapper.unless.has(words[1]?.value ?? '')) return undefined
  let from = 1
  if (wrapper.sub) {
    while (words[from]?.value.startsWith('-')) from += 1
    const second = words[from]?.value ?? ''
    const third = words[from + 1]?.value ?? ''
    if (wrapper.sub.test(second)) from += 1
    else if (wrapper.sub.test(`${second} ${third}`)) from += 2
    else return undefined
  }
  const program = words[0]?.value ?? ''
  const reason = wrapper.reason ?? `${program} runs another command`
  const read = readArguments(wrapper.table, words, from, true)
  // Options after the inner program belong to that program.
  const isBefore = typeof read !== 'string' && wrapper.inner === 'rest' && wrapper.skip === 0
  const own = isBefore ? words.slice(0, read.operands[0]) : words
  const code = codeTexts(wrapper, own, from)
  if (typeof read === 'string') {
    return {
      floor: worse(wrapper.floor, 'review'),
      reason: read,
      inner: [...code, ...guesses(wrapper, words, from)],
    }
  }
  const start = read.operands[0] ?? words.length
  const inner = innerFrom(wrapper, words, start, code.length > 0)
  if (isXargs(program)) return { floor: wrapper.floor, reason, ...fillInner(inner, read) }
  const directory = directoryOf(wrapper, read, words)
  const floor = directory ? worse(wrapper.floor, 'review') : wrapper.floor
  const strips = program === 'env' && strippingOptions.some((name) => read.options.has(name))
  return { floor, reason, inner: [...code, ...inner], strips, directory }
}

function directoryOf(
  { directory }: Wrapper,
  { given }: ReadArguments,
  words: readonly ResolvedWord[],
): ResolvedWord | undefined {
  const found = given.findLast(({ name }) => directory.has(name))
  if (!found) return undefined
  const word = words[found.at]
  return { ...fixedWord(found.value), exact: word?.exact ?? false }
}

const strippingOptions = ['i', 'ignore-environment', 'u', 'unset']

/** The command of `find -exec`. `{}` becomes a name below the start directory. */
export function unwrapFind(words: readonly ResolvedWord[]): Inner[] {
  return execRanges(words).map(({ from, to, isMany }) => ({
    kind: 'words',
    words: words
      .slice(from, to)
      .map((word) => (word.value.includes('{}') ? placeholder(word) : word)),
    assignments: [],
    added: { by: 'find', where: 'within', isMany },
  }))
}

/** A name that only the wrapper knows, as the inner command sees it. */
export function placeholder(word: ResolvedWord): ResolvedWord {
  const value = word.value.replaceAll('{}', './{}')
  return { ...fixedWord(value), word: word.word, exact: false, filled: true }
}

function innerFrom(
  wrapper: Wrapper,
  words: readonly ResolvedWord[],
  start: number,
  hasCode: boolean,
): Inner[] {
  let from = start
  const assignments: Assignment[] = []
  if (wrapper.assignments) {
    for (; from < words.length; from += 1) {
      const match = /^([A-Za-z_]\w*)=(.*)$/s.exec(words[from]?.value ?? '')
      if (!match) break
      assignments.push({ name: match[1] ?? '', value: { value: match[2] ?? '' }, plain: true })
    }
  }
  from += wrapper.skip
  if (words[from]?.value === '--') from += 1
  const rest = words.slice(from)
  if (rest.length === 0 || (hasCode && wrapper.inner === 'rest')) {
    return assignments.length > 0 ? [{ kind: 'words', words: [], assignments }] : []
  }
  switch (wrapper.inner) {
    case 'rest':
      return [{ kind: 'words', words: rest, assignments }]
    case 'text':
      return [{ kind: 'text', text: rest.map((word) => word.value).join(' ') }]
    case 'all':
      return rest.map((word) => ({ kind: 'text', text: word.value }))
    case 'none':
      return []
    case 'first':
      return [{ kind: 'text', text: rest[0]?.value ?? '' }]
  }
}

/** With options that are not understood, every later position may begin the inner command. */
function guesses(wrapper: Wrapper, words: readonly ResolvedWord[], from: number): Inner[] {
  const inner: Inner[] = []
  for (let at = from; at < words.length && inner.length < 6; at += 1) {
    if (words[at]?.value.startsWith('-')) continue
    inner.push(...innerFrom({ ...wrapper, skip: 0 }, words, at, false))
  }
  return inner
}

function codeTexts(wrapper: Wrapper, words: readonly ResolvedWord[], from: number): Inner[] {
  const texts: Inner[] = []
  if (wrapper.code.size === 0) return texts
  for (let at = from; at < words.length && texts.length < mostTexts; at += 1) {
    const value = words[at]?.value ?? ''
    if (!value.startsWith('-')) continue
    for (const option of wrapper.code) {
      const isCluster =
        option.length === 2 && /^-[A-Za-z]+$/.test(value) && value.endsWith(option[1] ?? '')
      if (value === option || isCluster)
        texts.push({ kind: 'text', text: words[at + 1]?.value ?? '' })
      else if (value.startsWith(`${option}=`))
        texts.push({ kind: 'text', text: value.slice(option.length + 1) })
    }
  }
  return texts
}

export function worse(left: Floor, right: Floor): Floor {
  if (left === 'blocked' || right === 'blocked') return 'blocked'
  return left === 'review' || right === 'review' ? 'review' : 'safe'
}
