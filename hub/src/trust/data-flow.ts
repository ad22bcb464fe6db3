import type { Redirect } from './command-tree.ts'
import type { ResolvedWord } from './resolve-words.ts'

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

/**
 * Whether a command lists only names below the working directory, and does not hunt for credentials; then what reads
 * those names reads the project.
 */
export function containedProducer(
  words: readonly ResolvedWord[] | undefined,
  isSecret: (path: string) => boolean,
): boolean {
  const program = words?.[0]?.value
  if (!words || program === undefined) return false
  const args = words.slice(1)
  if (args.some((word) => !word.exact && !word.glob)) return false
  if (args.some(({ value }) => isSecret(value))) return false
  const leaves = args.some(({ value }) => /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(value))
  if (program === 'find') {
    const firstTest = args.findIndex(({ value }) => /^[-(!]/.test(value))
    const starts = firstTest < 0 ? args : args.slice(0, firstTest)
    return !starts.some(({ value }) => /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(value))
  }
  if (leaves) return false
  if (program === 'git') return /^(?:ls-files|grep|diff)$/.test(args[0]?.value ?? '')
  if (program === 'rg')
    return args.some(({ value }) => /^(?:--files|-l|--files-with-matches)$/.test(value))
  if (program === 'grep') return args.some(({ value }) => /^-[a-zA-Z]*l/.test(value))
  return program === 'ls' || program === 'fd'
}
