import type { Redirect } from '../shell/command-tree.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'

/** Static text that a command reads on its standard input, from a here-document or from `echo` before it. */
export function inputOf(
  redirects: readonly Redirect[],
  upstream: readonly ResolvedWord[] | undefined,
): string | undefined {
  const here = redirects.find(({ operator }) => operator === '<<' || operator === '<<<')
  if (here) return here.target.value
  const program = upstream?.[0]?.value
  if (program !== 'echo' && program !== 'printf') return undefined
  return upstream
    ?.slice(1)
    .filter(({ value }) => !/^-[neE]+$/.test(value))
    .map(({ value }) => value)
    .join(' ')
}

/** Whether a command passes on whole lines of what it reads and adds none, so that names stay names. */
export function passesLines(words: readonly ResolvedWord[]): boolean {
  const [program, ...args] = words
  if (!program || args.some(({ exact }) => !exact)) return false
  const values = args.map(({ value }) => value)
  switch (program.value) {
    case 'head':
    case 'tail':
      return values.every((value) => /^-(?:n\d*|\d+)$|^\+?\d+$/.test(value))
    case 'sort':
    case 'uniq':
    case 'tac':
    case 'shuf':
      return values.every((value) => /^-[a-zA-Z]+$/.test(value) && !/[oTSktsceiD]/.test(value))
    case 'grep':
      return (
        values.filter((value) => !value.startsWith('-')).length === 1 &&
        values.every((value) => /^-[vEFiwx]+$/.test(value) || !value.startsWith('-'))
      )
    default:
      return false
  }
}

/**
 * Whether a command lists only names below the working directory or below another that holds no secrets, and does not hunt for credentials; then what reads
 * those names reads the project.
 */
export function containedProducer(
  words: readonly ResolvedWord[] | undefined,
  isSecret: (path: string) => boolean,
  isWide: (path: string) => boolean,
): boolean {
  const program = words?.[0]?.value
  if (!words || program === undefined) return false
  const args = words.slice(1)
  if (args.some((word) => !word.exact && !word.glob)) return false
  // Several of these programs take no notice of the case of letters, if they are told so or of themselves.
  if (args.some(({ value }) => isSecret(value) || isSecret(value.toLowerCase()))) return false
  if (program === 'fd' && extensionsOf(args).some((extension) => isSecret(`*.${extension}`)))
    return false
  // An option that puts text of its own into the output makes names out of nothing.
  if (
    args.some(({ value }) =>
      /^-(?:-(?!(?:include|exclude|exclude-dir|exclude-standard|glob|type|files|files-with-matches|null|print0|others|cached|modified|name-only|recursive|hidden|extension)(?:=|$))|printf|ls$)/.test(
        value,
      ),
    )
  ) {
    return false
  }
  if (program === 'find') {
    const firstTest = args.findIndex(({ value }) => /^[-(!]/.test(value))
    const starts = firstTest < 0 ? args : args.slice(0, firstTest)
    return starts.every(
      ({ value, exact }) => !leavesDirectory(value) || (exact && isApart(value) && !isWide(value)),
    )
  }
  if (args.some(({ value }) => leavesDirectory(value))) return false
  const has = (pattern: RegExp): boolean => args.some(({ value }) => pattern.test(value))
  switch (program) {
    case 'git':
      return (
        has(/^ls-files$/) ||
        (has(/^grep$/) && has(/^-[a-zA-Z]*l/)) ||
        (has(/^diff$/) && has(/^--name-only$/))
      )
    case 'rg':
      return has(/^(?:--files|-l|--files-with-matches)$/)
    case 'grep':
      return has(/^-[a-zA-Z]*l/)
    case 'ls':
      return !has(/^-[a-zA-Z]*[lgnosZi]/)
    default:
      return program === 'fd'
  }
}

/** The extensions sought by `fd -e`, `-eNAME` and `--extension=NAME`. */
function extensionsOf(args: readonly ResolvedWord[]): string[] {
  return args.flatMap(({ value }, at) => {
    const isNext = /^(?:-[A-Za-z]*e|--extension)$/.test(args[at - 1]?.value ?? '')
    const attached = /^(?:-e|--extension=)\.?(.+)$/s.exec(value)?.[1]
    const extension = isNext ? value.replace(/^\./, '') : attached
    return extension === undefined ? [] : [extension.toLowerCase()]
  })
}

/** Whether an absolute path names a place of programs or of people, where nothing belongs to the system's own state. */
function isApart(path: string): boolean {
  return (
    /^\/(?!proc|sys|dev|run|etc|var|boot|tmp)[^/]+\/./.test(path) && !/\/\.\.(?:\/|$)/.test(path)
  )
}

function leavesDirectory(path: string): boolean {
  return /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(path)
}
