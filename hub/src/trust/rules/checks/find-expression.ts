import { split } from '../options.ts'
import type { ResolvedWord } from '../../shell/resolve-words.ts'
import type { CheckInput } from './check.ts'

const takesOne = new Set(
  split(`name iname path ipath wholename iwholename lname ilname regex iregex regextype type xtype size
    newer anewer cnewer mtime atime ctime mmin amin cmin user group uid gid perm maxdepth mindepth inum links
    samefile fstype used context printf depthmin`),
)
const takesNone = new Set(
  split(`print print0 prune ls quit depth d daystart empty executable readable writable nouser nogroup mount xdev
    follow noleaf true false not a o and or warn nowarn ignore_readdir_race x E H L P s f`),
)
const mostActions = 16
const runs = new Set(['exec', 'execdir', 'ok', 'okdir'])

/** The commands that `-exec` and its kin run, as ranges of words: from the program to before the terminator. */
export function execRanges(
  words: readonly ResolvedWord[],
): { from: number; to: number; asks: boolean; isMany: boolean }[] {
  const ranges: { from: number; to: number; asks: boolean; isMany: boolean }[] = []
  for (let at = 1; at < words.length; at += 1) {
    const name = words[at]?.value.slice(1) ?? ''
    if (!runs.has(name) || words[at]?.value[0] !== '-') continue
    const from = at + 1
    while (at + 1 < words.length && !isEnd(words, at + 1, from)) at += 1
    const isMany = words[at + 1]?.value === '+'
    ranges.push({ from, to: at + 1, asks: name.startsWith('ok'), isMany })
    if (ranges.length >= mostActions) break
    at += 1
  }
  return ranges
}

function isEnd(words: readonly ResolvedWord[], at: number, from: number): boolean {
  const value = words[at]?.value
  return value === ';' || (value === '+' && at > from && words[at - 1]?.value === '{}')
}

/**
 * The reason why a find command does more than list, or undefined. Commands of `-exec` are judged
 * separately.
 */
export function refuseFind({ words }: CheckInput): string | undefined {
  const ranges = execRanges(words)
  if (ranges.length >= mostActions) return 'more actions than are judged'
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at]
    if (!word) continue
    const range = ranges.find(({ from, to }) => at >= from && at < to)
    if (range) {
      if (range.asks) return 'find -ok waits for an answer'
      at = range.to
      continue
    }
    const refusal = refuseWord(word)
    if (refusal !== undefined) return refusal
    const name = word.value.slice(1)
    if (word.value[0] !== '-' || runs.has(name)) continue
    if (takesOne.has(name) || /^newer[aBcmt]{2}$/.test(name)) {
      at += 1
      const argument = words[at]
      if (argument?.splits) return 'a word that bash splits'
      if (argument?.glob && !argument.safeStart && !argument.value.includes('.')) {
        return `the pattern ${argument.value} can expand to an action`
      }
    } else if (!takesNone.has(name) && !/^O[0-3]$/.test(name)) {
      return `find ${word.value} does more than list`
    }
  }
  return undefined
}

function refuseWord(word: ResolvedWord): string | undefined {
  if (word.data && !word.safeStart) return 'a word that could turn out to be an action'
  if (word.glob && !word.safeStart && !word.value.includes('.')) {
    return `the pattern ${word.value} can expand to an action`
  }
  return undefined
}
