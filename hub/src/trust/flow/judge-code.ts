import { codeOf, codeOptions, deedsIn, sendsEnvironment } from './code-calls.ts'
import { codeInInput } from './input-code.ts'
import { codeInOptions } from './option-code.ts'
import type { Following, Known, Place } from './place.ts'
import { contentOf } from './runners.ts'
import { environment, sendingFinding, unseenFinding } from './sinks.ts'
import type { Value } from './value.ts'
import { known, unknown } from './value.ts'

const shellOptions: ReadonlySet<string> = new Set(['c'])
const evaluators = new Set(['eval', 'source', '.'])

/**
 * Judges code given to a program: in its options, as a one-liner, on its input, in a file, from the
 * network.
 */
export function judgeCode(following: Following, command: Known, place: Place): void {
  const { program, args } = command
  const apart: Place = { ...place, depth: place.depth + 1, isWritten: false, input: undefined }
  if (command.words[0]?.value.includes('/') === true) judgeFile(following, command, place)
  for (const code of codeInOptions(program, args)) following.text(code, apart)
  const { text: orders } = place.input ?? unknown
  if (orders !== undefined)
    for (const code of codeInInput(program, args, orders)) following.text(code, apart)
  const isShell = following.grounds.policy.shells.has(program) || evaluators.has(program)
  const options = isShell ? shellOptions : codeOptions(program)
  if (!options) return
  for (const value of codeValues(following, command, options, place)) {
    const finding = unseenFinding(value)
    // Decoding is everyday work in languages, and fetched data is not run.
    if (finding && (isShell || value.fetchedBy !== undefined)) following.add(command, finding)
  }
  if (isShell) return
  const source = sourceOf(following, command, options, place)
  if (source !== undefined && sendsEnvironment(source))
    following.add(command, sendingFinding(environment))
  for (const deed of source === undefined ? [] : deedsIn(source)) {
    if ('shell' in deed) following.text(deed.shell, apart)
    else {
      const texts = deed.argv.map((text) => text.replace(/^~(?=\/|$)/, following.home))
      following.command(texts.map(known), apart)
    }
  }
}

/** A program that the command itself has written before it starts it. */
function judgeFile(following: Following, command: Known, place: Place): void {
  const content = following.file(command.words[0]?.value, place)
  if (content.text !== undefined)
    following.text(content.text, { ...place, depth: place.depth + 1, input: undefined })
}

/** The inputs that a program takes as code: a word, the content of a file, standard input. */
function codeValues(
  following: Following,
  { program, values, args }: Known,
  options: ReadonlySet<string>,
  place: Place,
): Value[] {
  if (program === 'eval') return values.slice(1)
  const at = args.findIndex((arg) => takesCode(arg, options))
  if (at >= 0) return values.slice(at + 2, at + 3)
  const first = values.findIndex(
    ({ text, isContent }, index) =>
      index > 0 && (isContent || text === undefined || !/^[-+]/.test(text)),
  )
  if (first > 0 && !args.some((arg) => /^-[a-z]*s$/.test(arg) || arg.startsWith('-m')))
    return [contentOf(following, values[first], place)]
  return place.input && readsInput(args, options) ? [place.input] : []
}

function takesCode(arg: string, options: ReadonlySet<string>): boolean {
  if (/^-[a-zA-Z0-9]+$/.test(arg)) return options.has(arg.slice(-1)) || options.has(arg.slice(1))
  return arg.startsWith('--') && options.has(arg.slice(2))
}

/** Whether an interpreter runs what it reads: no module and no code of its own. */
function readsInput(args: readonly string[], options: ReadonlySet<string>): boolean {
  return args.every((arg) => arg === '-' || (!options.has(arg[1] ?? '') && !/^-[mnpl]/.test(arg)))
}

/** The text of a program in a language, where it is known. */
function sourceOf(
  following: Following,
  { values, args }: Known,
  options: ReadonlySet<string>,
  place: Place,
): string | undefined {
  const code = codeOf(args, options)
  if (code !== undefined) return code
  const at = args.findIndex((arg) => !arg.startsWith('-'))
  return at < 0 ? place.input?.text : contentOf(following, values[at + 1], place).text
}
