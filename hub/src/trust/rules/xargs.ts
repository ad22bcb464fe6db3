import type { ReadArguments } from './options.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Added } from './added.ts'
import type { Unwrapped, Inner } from './unwrapped.ts'

const fillingOptions = new Set(['I', 'i', 'replace'])
const defaultFill = '{}'

export function isXargs(program: string): boolean {
  return program === 'xargs' || program === 'gxargs'
}

/**
 * The command that xargs runs: its input words are appended, or replace the text that `-I` names,
 * even within the program's name.
 */
export function fillInner(
  inner: readonly Inner[],
  read: ReadArguments,
): Pick<Unwrapped, 'inner'> & Partial<Pick<Unwrapped, 'floor' | 'reason'>> {
  const fills = fillsOf(read)
  const most = read.options.get('n') ?? read.options.get('max-args')
  const added: Added =
    fills.length > 0
      ? { by: 'xargs', where: 'within', isMany: false }
      : { by: 'xargs', where: 'end', isMany: most !== '1' }
  const isFilled = ({ value }: ResolvedWord): boolean => fills.some((fill) => value.includes(fill))
  const filled = inner.map((each) =>
    each.kind === 'text'
      ? each
      : {
          ...each,
          added,
          words: each.words.map((word) =>
            isFilled(word) ? { ...word, exact: false, filled: true } : word,
          ),
        },
  )
  const namesProgram = inner.some(
    (each) => each.kind === 'words' && each.words[0] !== undefined && isFilled(each.words[0]),
  )
  if (!namesProgram) return { inner: filled }
  return {
    inner: filled,
    floor: 'review',
    reason: 'xargs makes the name of the program from what it reads',
  }
}

function fillsOf(read: ReadArguments): string[] {
  const named = read.given
    .filter(({ name }) => fillingOptions.has(name))
    .map(({ value }) => value || defaultFill)
  const isBare = ['i', 'replace'].some((name) => read.options.get(name) === '')
  return isBare ? [...named, defaultFill] : named
}
