import { resolvePath } from '../shell/resolve-path.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import { codeOf, codeOptions, printedBy } from './code-calls.ts'
import { writtenFile } from './downloads.ts'
import { echoed } from './escapes.ts'
import { constantOutput, filtered } from './filters.ts'
import { listedBy } from './listings.ts'
import type { Following, Known, Place } from './place.ts'
import { contentOf } from './runners.ts'
import { secretsPrinted } from './sinks.ts'
import type { Value } from './value.ts'
import { hidden, joined, known, unknown } from './value.ts'

/** The output of a program, as far as its arguments and input determine it. */
export function outputOf(following: Following, command: Known, place: Place): Value {
  const { program, args } = command
  const { cwd } = place.scope
  if (program === 'echo' || program === 'printf') return toldBy(command, cwd)
  const constant = constantOutput(program, args, cwd)
  if (constant !== undefined) return known(constant)
  const lists = listedBy(program, args)
  if (lists) {
    const located = lists.map((list) =>
      list.of === 'files' ? { ...list, root: resolvePath(list.root, cwd) } : list,
    )
    return { ...unknown, lists: located }
  }
  const output = withOrigin(following, command, passedOn(following, command, place))
  const secrets = secretsPrinted(program, args, cwd, following.grounds)
  const whole =
    secrets.length > 0 ? { ...output, secrets: [...output.secrets, ...secrets] } : output
  const file = writtenFile(program, args)
  if (file !== undefined) {
    place.files.set(resolvePath(file, cwd), { ...whole, isContent: true })
    if (whole.fetchedBy === program) following.judge('tee', [fixedWord(file)], place)
  }
  return whole
}

function toldBy({ program, values, args }: Known, cwd: string | undefined): Value {
  const whole = joined(values.slice(1))
  if (values.some(({ text }) => text === undefined)) return { ...whole, text: undefined }
  const text = program === 'echo' ? echoed(args) : constantOutput('printf', args, cwd)
  return { ...whole, text, lists: [] }
}

function passedOn(following: Following, { program, values, args }: Known, place: Place): Value {
  const operands = args.filter((arg) => !arg.startsWith('-'))
  if (program === 'cat' && operands.length > 0) {
    const files = values.slice(1).filter(({ text }) => text?.startsWith('-') !== true)
    return joined(files.map((value) => contentOf(following, value, place)))
  }
  const options = codeOptions(program)
  const code = options
    ? codeOf(args, options)
    : /^[gmn]?awk$/.test(program)
      ? operands[0]
      : undefined
  const text = code === undefined ? undefined : printedBy(code)
  if (text !== undefined) return known(`${text}\n`)
  return place.input ? filtered(program, args, operands, place.input) : unknown
}

function withOrigin({ grounds }: Following, { program, args }: Known, output: Value): Value {
  const { network, decoders } = grounds.policy
  if (network.has(program) && program !== 'openssl')
    return { ...hidden(output), fetchedBy: program }
  const decodes = args.some((arg) => /^-(?:[a-zA-Z]*[dDr]|-decode|-decrypt)$/.test(arg))
  if (!decoders.has(program) || output.text !== undefined || !decodes) return output
  return { ...output, decodedBy: program }
}
