import type { Check } from './checks/check.ts'
import { checks } from './checks/checks.ts'
import type { Given, OptionTable, ReadArguments, Role } from './options.ts'
import { compileOptions, readArguments, split } from './options.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { FormSource, ProgramSource } from './rule-schema.ts'

/** The reading form of a program or of one of its sub-commands, compiled. */
export interface Form {
  readonly id: string
  readonly table: OptionTable
  readonly operands: 'paths' | 'names' | 'data' | 'pattern' | 'none'
  readonly most: number
  readonly least: number
  readonly match: RegExp | undefined
  readonly need: readonly string[]
  readonly globs: boolean
  /** Whether no option can do harm, whichever it is. */
  readonly harmless: boolean
  readonly dashes: boolean
  readonly addresses: boolean
  readonly check: Check | undefined
  readonly add: readonly string[]
  readonly plain: boolean
  readonly sub: ReadonlyMap<string, Form> | undefined
  readonly bare: boolean
  readonly versions: boolean
  readonly harden: 'git' | undefined
  /** Words that the plan puts behind the program. */
  readonly settings: readonly string[]
  /** Variables that the plan sets. */
  readonly env: Readonly<Record<string, string>> | undefined
  readonly reason: string | undefined
  readonly suggestion: string | undefined
}

/** The result of reading a program's arguments by its form. */
export interface Reading {
  readonly form: Form
  /** Undefined: this is the reading form. Otherwise why it is not. */
  readonly refusal: string | undefined
  /**
   * The role of each argument, the program at index 0; empty if the arguments were not understood.
   */
  readonly roles: readonly (Role | 'name' | 'data')[]
  /** The values that options were given. */
  readonly given: readonly Given[]
  /** Index after `--`, or the number of words where there is none. */
  readonly afterDashes: number
  /** Index of the first pattern that can expand to an option, before which the plan puts `--`. */
  readonly dashesAt?: number | undefined
  /** The words that the plan adds, and their position after the subcommand. */
  readonly add: readonly string[]
  readonly addAt: number
}

/** Compiles one program entry; the same form serves all its names. */
export function compileProgram(source: ProgramSource): [string[], Form] {
  const programs = typeof source.program === 'string' ? [source.program] : source.program
  const form = compileForm(source.id ?? programs[0] ?? 'program', source, source)
  return [programs, form]
}

function compileForm(id: string, source: FormSource, top: Partial<ProgramSource>): Form {
  const table = compileOptions({ ...source, settings: top.settings })
  const sub = new Map<string, Form>()
  for (const [names, form] of Object.entries(source.sub ?? {})) {
    for (const name of split(names))
      sub.set(
        name,
        compileForm(`${id} ${name}`, form ?? {}, {
          harden: top.harden,
          settings: top.settings,
          add: top.add,
          env: top.env,
          versions: false,
        }),
      )
  }
  return {
    id,
    table,
    operands: source.operands ?? 'paths',
    most: source.most ?? Number.POSITIVE_INFINITY,
    least: source.least ?? 0,
    match: source.match === undefined ? undefined : new RegExp(`^(?:${source.match})$`, 's'),
    need: split(source.need),
    globs: source.globs ?? source.flags !== undefined,
    harmless: source.flags !== undefined && source.check === undefined,
    dashes: source.dashes ?? false,
    addresses: source.addresses ?? false,
    check: source.check === undefined ? undefined : checks[source.check],
    plain: source.plain ?? false,
    add: source.add ?? inheritedOptions(table, top.add),
    sub: sub.size > 0 ? sub : undefined,
    bare: source.bare ?? false,
    versions: top.versions ?? true,
    harden: top.harden,
    settings: (top.settings ?? []).flatMap((setting) => ['-c', setting]),
    env: top.env,
    reason: source.reason,
    suggestion: source.suggest,
  }
}

/** The added options of the entry, where this form knows them. */
function inheritedOptions(table: OptionTable, add: readonly string[] = []): readonly string[] {
  return table.long.has(add[0]?.slice(2) ?? '') ? add : []
}

/** `--name=` in front of a pattern: whatever it expands to stays that option. */
const fixedName = /^--[\w-]+=/

const address = /^[A-Za-z][\w+.-]*:\/\//
/** The form of an address, for programs that open addresses. */
const scheme = /^[A-Za-z][\w+.@-]+:/

const help: ReadonlySet<string> = new Set(['--help', '--version'])

/**
 * Reads a command by the forms of its program. One match is enough; else the last form supplies the
 * reason.
 *
 * @param words the program and its arguments
 */
export function readForms(
  forms: readonly Form[],
  words: readonly ResolvedWord[],
): Reading | undefined {
  let reading: Reading | undefined
  for (const form of forms) {
    const next = readForm(form, words)
    if (next.refusal === undefined) return next
    if (reading === undefined || form.id !== 'version') reading = next
  }
  return reading
}

function readForm(form: Form, words: readonly ResolvedWord[]): Reading {
  const second = words[1]
  if (words.length === 2 && form.versions && second?.exact && help.has(second.value)) {
    return {
      form,
      refusal: undefined,
      roles: ['operand', 'flag'],
      given: [],
      afterDashes: 2,
      add: [],
      addAt: 1,
    }
  }
  return readFrom(form, words, 1)
}

function readFrom(
  form: Form,
  words: readonly ResolvedWord[],
  from: number,
  before: readonly Role[] = [],
  given: readonly Given[] = [],
): Reading {
  if (form.sub) {
    const read = readArguments(form.table, words, from, true)
    if (typeof read === 'string') return refused(form, read, from)
    const elsewhere = refuseAddresses(form, words, read, read.roles)
    if (elsewhere !== undefined) return refused(form, elsewhere, from)
    const at = read.operands[0]
    if (at !== undefined) {
      const word = words[at]
      const inner = word?.exact ? form.sub.get(word.value) : undefined
      if (inner) return readFrom(inner, words, at + 1, read.roles, [...given, ...read.given])
      if (!form.bare || form.operands === 'none') {
        const name = word?.value ?? ''
        return refused(
          form,
          form.reason ?? `${form.id} ${name} is not on the list of reading commands`,
          from,
        )
      }
    } else if (!form.bare) return refused(form, `${form.id} without a sub-command`, from)
  }
  const read = readArguments(form.table, words, from)
  if (typeof read === 'string') return refused(form, read, from)
  const roles = rolesOf(form, read)
  before.forEach((role, at) => {
    roles[at] = role
  })
  const refusal =
    refuseOperands(form, words, read, roles) ??
    refuseAddresses(form, words, read, roles) ??
    form.check?.({ words, read, from })
  const dashesAt = openPattern(form, words, read)
  return {
    form,
    refusal,
    roles,
    given: [...given, ...read.given],
    afterDashes: read.afterDashes,
    dashesAt: dashesAt < 0 ? undefined : dashesAt,
    add: form.plain && read.options.size === 0 ? [] : form.add,
    addAt: from,
  }
}

function refused(form: Form, refusal: string, addAt: number): Reading {
  return { form, refusal, roles: [], given: [], afterDashes: Infinity, add: [], addAt }
}

function rolesOf(form: Form, read: ReadArguments): (Role | 'name' | 'data')[] {
  const roles: (Role | 'name' | 'data')[] = [...read.roles]
  const hasPattern = form.operands === 'pattern' && !hasPatternOption(read)
  read.operands.forEach((at, position) => {
    if (form.operands === 'data' || (hasPattern && position === 0)) roles[at] = 'data'
    else roles[at] = form.operands === 'names' ? 'name' : 'path'
  })
  return roles
}

/** An address instead of a file is opened somewhere else, or by a part that is loaded for it. */
function refuseAddresses(
  form: Form,
  words: readonly ResolvedWord[],
  read: ReadArguments,
  roles: readonly (Role | 'name' | 'data')[],
): string | undefined {
  if (!words.some(({ value }) => value.includes(':'))) return undefined
  const isElsewhere = (value: string, role: Role | 'name' | 'data' | undefined): boolean => {
    if (form.addresses && role !== 'data' && scheme.test(value)) return true
    return (role === 'path' || role === 'name') && address.test(value)
  }
  const found =
    read.given.find(({ at, value }) => isElsewhere(value, roles[at]))?.value ??
    words.find(({ value }, at) => at > 0 && isElsewhere(value, roles[at]))?.value
  return found === undefined ? undefined : `${found} is an address, not a file`
}

function hasPatternOption({ options }: ReadArguments): boolean {
  return ['e', 'f', 'regexp', 'file', 'expression', 'files'].some((name) => options.has(name))
}

function refuseOperands(
  form: Form,
  words: readonly ResolvedWord[],
  read: ReadArguments,
  roles: readonly (Role | 'name' | 'data')[],
): string | undefined {
  const count = read.operands.length
  if (form.operands === 'none' && count > 0) return 'an operand where none is expected'
  if (form.need.length > 0 && !form.need.some((name) => read.options.has(name)))
    return `without one of the options ${form.need.join(' ')}`
  if (count > form.most) return `more than ${form.most} operands`
  if (count < form.least) return `fewer than ${form.least} operands`
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at]
    if (!word) continue
    if (word.opaque !== undefined) return `${word.opaque}, which only bash can evaluate`
    const role = roles[at]
    if (
      canBeOption(form, word, at, read) &&
      !(form.dashes && words.every((_, later) => later < at || isOperand(roles[later])))
    ) {
      return `the pattern ${word.value} can expand to an option`
    }
    if (word.glob && count >= form.most && role !== 'value')
      return 'a pattern where one name is expected'
    if (word.data && role !== 'data' && !(role === 'name' && form.globs)) {
      return 'a word that is only known when it runs'
    }
    if (word.data && role === 'data' && !form.globs && !word.safeStart) {
      return 'a word that could turn out to be an option'
    }
    // Expansions of a pattern may not match the form of its text.
    if (form.match && word.glob && role === 'data' && !form.globs)
      return `${word.value} can expand to what is not of the reading form`
    if (
      form.match &&
      (role === 'path' || role === 'name' || role === 'data') &&
      !form.match.test(word.value)
    ) {
      return `${word.value} is not of the reading form`
    }
  }
  return undefined
}

/** The first pattern that can expand to an option that matters; -1 where there is none. */
function openPattern(form: Form, words: readonly ResolvedWord[], read: ReadArguments): number {
  return words.findIndex((word, at) => at > 0 && canBeOption(form, word, at, read))
}

function canBeOption(form: Form, word: ResolvedWord, at: number, read: ReadArguments): boolean {
  return (
    word.glob &&
    !word.safeStart &&
    !form.globs &&
    at < read.afterDashes &&
    !fixedName.test(word.value)
  )
}

function isOperand(role: Role | 'name' | 'data' | undefined): boolean {
  return role === 'path' || role === 'name' || role === 'data'
}
