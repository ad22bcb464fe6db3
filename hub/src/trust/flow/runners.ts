import { execRanges } from '../rules/checks/find-expression.ts'
import { innerScope } from '../judge/directories.ts'
import { innerOf } from '../judge/judge-wrapper.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import { filtered } from './filters.ts'
import { fill, printWords, splitInput, valueOf, wordsFor } from './flow-words.ts'
import { foundBy, listedBy } from './listings.ts'
import type { Following, Known, Place } from './place.ts'
import type { Value } from './value.ts'
import { joined, known, unknown } from './value.ts'

/** Lines that are followed one by one. */
const mostRounds = 16

/** Programs that run what they are given, and what those commands print; undefined for a program that runs nothing. */
export function followRunner(
  following: Following,
  command: Known,
  place: Place,
): Value | undefined {
  const { program, args } = command
  switch (program) {
    case 'eval':
      return following.text(args.join(' '), place)
    case 'xargs':
    case 'gxargs':
    case 'parallel':
      return appended(following, command, place)
    case 'find':
    case 'gfind':
      return found(following, command, place)
    case 'fd':
    case 'fdfind':
      return executed(following, command, place)
    case 'source':
    case '.':
      return script(following, command, 1, place)
    case 'make':
    case 'gmake':
      recipes(following, command, place)
      return undefined
    case 'at':
    case 'batch':
    case 'crontab':
      later(following, program, place)
      return undefined
    default:
      return wrapped(following, command, place)
  }
}

function wrapped(following: Following, command: Known, place: Place): Value | undefined {
  const { program, words, values } = command
  const { grounds } = following
  const unwrapped = innerOf(program, words, grounds)
  const inner = unwrapped?.inner ?? []
  const there = unwrapped?.directory
    ? { ...place, scope: innerScope(unwrapped, place.scope, grounds) }
    : place
  const outputs = inner.map((each) => {
    if (each.kind === 'text') {
      // `bash -c CODE NAME ARGUMENTS`
      const at = values.findIndex(({ text }) => text === each.text)
      const parameters = at < 0 ? [] : values.slice(at + 2)
      return following.text(each.text, { ...there, parameters })
    }
    if (each.words.length === 0 || each.words.length >= words.length) return unknown
    return following.command(each.words.map(valueOf), there)
  })
  if (outputs.length > 0) return joined(outputs)
  return grounds.policy.shells.has(program) ? shell(following, command, place) : undefined
}

/** A shell that runs a file or what it reads. */
function shell(following: Following, command: Known, place: Place): Value | undefined {
  const { args } = command
  const at = args.findIndex((arg) => !/^[-+]/.test(arg))
  if (at >= 0 && !args.some((arg) => /^-[a-z]*s/.test(arg)))
    return script(following, command, at + 1, place)
  const text = place.input?.text
  return text === undefined ? undefined : following.text(text, { ...place, input: undefined })
}

/** A script in a process substitution, or in a file that was written before. */
function script(
  following: Following,
  { values }: Known,
  at: number,
  place: Place,
): Value | undefined {
  const { text } = contentOf(following, values[at], place)
  const parameters = values.slice(at + 1)
  return text === undefined ? undefined : following.text(text, { ...place, parameters })
}

/** The content behind a word: a process substitution holds it itself, a file's name leads to it. */
export function contentOf(following: Following, value: Value | undefined, place: Place): Value {
  if (value?.isContent === true) return value
  return following.file(value?.text, place)
}

/** The command that `xargs` runs on its input. */
function appended(following: Following, { program, words, args }: Known, place: Place): Value {
  const { input = unknown } = place
  const mark = markOf(program, args)
  const isParallel = program === 'parallel'
  const literal = isParallel ? args.indexOf(':::') : -1
  const given = literal < 0 ? splitInput(input) : args.slice(literal + 1).map((arg) => known(arg))
  const own = literal < 0 ? words : words.slice(0, literal + 1)
  const inner = innerOf(program, own, following.grounds)?.inner ?? []
  const apart: Place = { ...place, isWritten: false, input: undefined }
  const outputs = inner.flatMap((each) => {
    if (each.kind === 'text') {
      const put = printWords(given.flatMap(wordsFor))
      const isFilled = mark !== undefined && each.text.includes(mark)
      const isShell = following.grounds.policy.shells.has(each.text.split(/\s/, 1)[0] ?? '')
      const text = isFilled
        ? each.text.replaceAll(mark, put)
        : isParallel && !isShell
          ? `${each.text} ${put}`
          : each.text
      return [following.text(text, { ...apart, parameters: given })]
    }
    // The words as they were given: those of the wrapper have the mark filled already.
    const command = own.slice(own.length - each.words.length).map(valueOf)
    if (mark === undefined || !command.some(({ text }) => text?.includes(mark) === true))
      return [following.command([...command, ...given], apart)]
    return given.slice(0, mostRounds).map((one) =>
      following.command(
        command.map((value) => fill(value, mark, one)),
        apart,
      ),
    )
  })
  return inner.length > 0 ? joined(outputs) : filtered('xargs', args, [], input)
}

/** The placeholder of a line in the command of `xargs -I` and `parallel`. */
function markOf(program: string, args: readonly string[]): string | undefined {
  for (const [at, arg] of args.entries()) {
    const own = /^(?:-I|--replace=|-i)(.*)$/s.exec(arg)?.[1]
    if (own === undefined) continue
    return own !== '' ? own : arg === '-I' ? args[at + 1] : '{}'
  }
  return program === 'parallel' ? '{}' : undefined
}

/** The command that `find` runs on its findings, and its own output. */
function found(following: Following, { words, args }: Known, place: Place): Value {
  const lists = foundBy(args).map((list) => ({
    ...list,
    root: resolvePath(list.root, place.scope.cwd),
  }))
  const value: Value = { ...unknown, lists }
  const apart: Place = { ...place, isWritten: false, input: undefined }
  const outputs = execRanges(words).map(({ from, to }) =>
    following.command(
      words.slice(from, to).map((word) => fill(valueOf(word), '{}', value)),
      apart,
    ),
  )
  if (args.includes('-delete'))
    for (const list of lists)
      if (list.isWhole) following.judge('rm', wordsFor({ ...unknown, lists: [list] }), apart)
  const format = args[args.indexOf('-printf') + 1]
  if (args.includes('-printf') && format?.includes('%') === false) return known(format)
  return outputs.length > 0 ? joined(outputs) : value
}

/** The command that `fd` runs on its findings. */
function executed(
  following: Following,
  { program, words, args }: Known,
  place: Place,
): Value | undefined {
  const at = args.findIndex((arg) => /^(?:-x|-X|--exec|--exec-batch)$/.test(arg))
  if (at < 0) return undefined
  const lists = (listedBy(program, args.slice(0, at)) ?? []).map((list) => ({
    ...list,
    root: resolvePath(list.root, place.scope.cwd),
  }))
  const value: Value = { ...unknown, lists }
  const inner = words.slice(at + 2).map(valueOf)
  const isFilled = inner.some(({ text }) => text?.includes('{}') === true)
  const command = isFilled ? inner.map((word) => fill(word, '{}', value)) : [...inner, value]
  return following.command(command, { ...place, isWritten: false, input: undefined })
}

/** The recipes of a makefile that is given as text. */
function recipes(following: Following, { values }: Known, place: Place): void {
  for (const value of [place.input, ...values.slice(1)])
    for (const line of value?.text?.match(/^\t.+$/gm)?.slice(0, mostRounds) ?? [])
      following.text(line.trim().replace(/^[@+-]+/, ''), { ...place, input: undefined })
}

/** Commands that are to run at another time. */
function later(following: Following, program: string, place: Place): void {
  const apart: Place = { ...place, input: undefined }
  const text = place.input?.text
  if (text === undefined) return
  if (program !== 'crontab') {
    following.text(text, apart)
    return
  }
  for (const line of text.split('\n').slice(0, mostRounds)) {
    const command = /^\s*(?:@\w+|(?:\S+\s+){4}\S+)\s+(.+)$/.exec(line)?.[1]
    if (command !== undefined) following.text(command, apart)
  }
}
