import type { FormSource } from './rule-schema.ts'
import type { Argument } from '../shell/argument.ts'

/**
 * How an option takes its value: none, the next word or the rest, the same as a path or as a name
 * from which the program makes a path, or only attached; `named` ones take a name first.
 */
export type Arity = 'none' | 'value' | 'path' | 'name' | 'attached' | 'named-value' | 'named-path'

export interface OptionTable {
  readonly any: boolean
  /** Every word is printed, whatever it begins with. */
  readonly text: boolean
  /** The first operand ends the options. */
  readonly ordered: boolean
  readonly short: ReadonlyMap<string, Arity>
  readonly long: ReadonlyMap<string, Arity>
  /** Long names after one dash (`-name`, `-noout`). */
  readonly single: ReadonlyMap<string, Arity>
  readonly words: ReadonlySet<string>
  readonly digits: boolean
  /**
   * Settings allowed after `-c`: the plan's own words, which are read again where a plan is judged.
   */
  readonly settings: ReadonlySet<string>
}

const endings: Readonly<Record<string, Arity>> = {
  ':': 'value',
  '<': 'path',
  '=': 'name',
  '?': 'attached',
  '%': 'named-value',
  '@': 'named-path',
}

/** Compiles the compact notation of the rule files into look-up tables. */
export function compileOptions(
  source: Pick<
    FormSource,
    'flags' | 'ordered' | 'short' | 'long' | 'single' | 'words' | 'digits'
  > & {
    settings?: readonly string[] | undefined
  },
): OptionTable {
  const short = new Map<string, Arity>()
  for (const token of split(source.short)) {
    const ending = endings[token[1] ?? '']
    if (token.length === 2 && ending) short.set(token[0] ?? '', ending)
    else if (/[:<=?%@]/.test(token.slice(1)))
      throw new TypeError(`short options "${token}": one letter before "${token.at(-1)}"`)
    else for (const letter of token) short.set(letter, 'none')
  }
  return {
    any: source.flags === 'any',
    text: source.flags === 'text',
    ordered: source.ordered ?? false,
    short,
    long: named(source.long),
    single: named(source.single),
    words: new Set(split(source.words)),
    digits: source.digits ?? false,
    settings: new Set(source.settings),
  }
}

function named(source: string | readonly string[] | undefined): Map<string, Arity> {
  const table = new Map<string, Arity>()
  for (const token of split(source)) {
    const ending = endings[token.at(-1) ?? '']
    if (ending) table.set(token.slice(0, -1), ending)
    else table.set(token, 'none')
  }
  return table
}

/** Words of a string or of a list of strings, blanks apart. */
export function split(source: string | readonly string[] | undefined): string[] {
  if (source === undefined) return []
  const texts = typeof source === 'string' ? [source] : source
  return texts.flatMap((text) => text.split(/\s+/)).filter((token) => token !== '')
}

export type Role = 'flag' | 'value' | 'path' | 'operand'

/** An option's value and the argument that holds it. */
export interface Given {
  readonly name: string
  readonly value: string
  readonly at: number
}

export interface ReadArguments {
  readonly operands: readonly number[]
  readonly roles: readonly Role[]
  /** Option name (without dashes) to the value given with it. */
  readonly options: ReadonlyMap<string, string>
  /** Every option that was given a value, in order: a program may take one more than once. */
  readonly given: readonly Given[]
  /** The first index that is an operand only because of `--`. */
  readonly afterDashes: number
}

/**
 * Sorts arguments into options and operands by an allow list.
 *
 * @param from index of the first argument to read
 * @param stop whether the first operand ends the options (wrappers, sub-commands)
 * @returns the sorted arguments, or the refusal as a sentence
 */
export function readArguments(
  table: OptionTable,
  args: readonly Argument[],
  from: number,
  stop = false,
): ReadArguments | string {
  const roles: Role[] = []
  const operands: number[] = []
  const options = new Map<string, string>()
  const given: Given[] = []
  let afterDashes = args.length
  for (let index = 0; index < from; index += 1) roles.push('operand')
  let index = from
  for (; index < args.length; index += 1) {
    const argument = args[index]
    if (!argument) break
    const value = argument.value
    const isBehind = table.ordered && operands.length > 0
    const isText = table.text || isBehind || value.charCodeAt(0) !== 45 || value === '-'
    if (isText || (argument.glob && argument.safeStart)) {
      operands.push(index)
      roles.push('operand')
      if (stop) break
      continue
    }
    const next = args[index + 1]
    if (value === '-c' && next?.exact && table.settings.has(next.value)) {
      roles.push('flag', 'flag')
      index += 1
      continue
    }
    if (table.words.has(value)) {
      roles.push('flag')
      options.set(value.replace(/^--?/, ''), '')
      continue
    }
    if (value === '--') {
      roles.push('flag')
      afterDashes = index + 1
      for (index += 1; index < args.length; index += 1) {
        operands.push(index)
        roles.push('operand')
      }
      break
    }
    const fixedName = argument.glob && /^--[\w-]+=/.test(value)
    if (!argument.exact && !fixedName) return `an option that is not fixed: ${value}`
    const single = table.single.get(value.slice(1))
    if (single !== undefined) {
      options.set(value.slice(1), next?.value ?? '')
      roles.push('flag')
      if (single === 'none') continue
      if (!next) return `option ${value} lacks its value`
      roles.push(single === 'path' ? 'path' : 'value')
      index += 1
      given.push({ name: value.slice(1), value: next.value, at: index })
      continue
    }
    const taken = value.startsWith('--')
      ? readLong(table, value, next, options)
      : readShort(table, value, next, options)
    if (typeof taken === 'string') return taken
    if (taken.isName && !isPlainName(taken.value ?? ''))
      return `${taken.value}, of which ${taken.name} would make a path`
    roles.push(taken.role)
    if (taken.value !== undefined) {
      const at = taken.next ? index + taken.next.length : index
      given.push({ name: taken.name ?? '', value: taken.value, at })
    }
    for (const role of taken.next ?? []) {
      roles.push(role)
      index += 1
    }
  }
  return { operands, roles, options, given, afterDashes }
}

/** A name without directories; a character set may say how to convert. */
function isPlainName(value: string): boolean {
  return !value.replace(/\/\/(?:TRANSLIT|IGNORE)(?:,(?:TRANSLIT|IGNORE))?$/, '').includes('/')
}

interface Taken {
  readonly role: Role
  /** The roles of the following words. */
  readonly next?: readonly Role[]
  /** The option that was given a value, and the value. */
  readonly name?: string
  readonly value?: string
  /** The program makes a path of the value. */
  readonly isName?: boolean
}

const flag: Taken = { role: 'flag' }

function readLong(
  table: OptionTable,
  text: string,
  next: Argument | undefined,
  options: Map<string, string>,
): Taken | string {
  const equals = text.indexOf('=')
  const name = equals < 0 ? text.slice(2) : text.slice(2, equals)
  const arity = table.long.get(name)
  if (arity === undefined) {
    if (!table.any) return `option --${name} is not on the list of reading options`
    options.set(name, equals < 0 ? '' : text.slice(equals + 1))
    return equals < 0 ? flag : { role: 'path' }
  }
  if (equals >= 0) {
    if (arity === 'none') return `option --${name} takes no value`
    const value = text.slice(equals + 1)
    options.set(name, value)
    return { role: arity === 'path' ? 'path' : 'value', name, value, isName: arity === 'name' }
  }
  options.set(name, '')
  if (arity === 'none' || arity === 'attached') return flag
  if (!next) return `option --${name} lacks its value`
  options.set(name, next.value)
  const role = arity === 'path' || arity === 'named-path' ? 'path' : 'value'
  const following: Role[] = arity.startsWith('named') ? ['value', role] : [role]
  return { role: 'flag', next: following, name, value: next.value, isName: arity === 'name' }
}

function readShort(
  table: OptionTable,
  text: string,
  next: Argument | undefined,
  options: Map<string, string>,
): Taken | string {
  for (let at = 1; at < text.length; at += 1) {
    const letter = text[at] ?? ''
    const arity = table.short.get(letter)
    if (arity === undefined) {
      if (table.any) {
        options.set(letter, '')
        continue
      }
      if (table.digits && /^\d+$/.test(text.slice(at)) && at === 1) return flag
      return `option -${letter} is not on the list of reading options`
    }
    if (arity === 'none') {
      options.set(letter, '')
      continue
    }
    const rest = text.slice(at + 1)
    const role = arity === 'path' ? 'path' : 'value'
    options.set(letter, rest)
    if (rest !== '' || arity === 'attached')
      return { role, name: letter, value: rest, isName: arity === 'name' }
    if (!next) return `option -${letter} lacks its value`
    options.set(letter, next.value)
    return { role: 'flag', next: [role], name: letter, value: next.value, isName: arity === 'name' }
  }
  return flag
}
