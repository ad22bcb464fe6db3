import { containedProducer } from './data-flow.ts'
import type { Finding } from './findings.ts'
import { review } from './findings.ts'
import { readProgram } from './judge-reading.ts'
import { secrecyOf } from './judge-secrets.ts'
import { once } from '../rules/once.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope, Via } from './scope.ts'
import { unwrap, unwrapFind } from '../rules/wrapper-rules.ts'
import type { Unwrapped } from '../rules/unwrapped.ts'

/** Layers of wrapping that are taken off. */
export const mostWrappers = 8

/** The commands that a program runs besides itself; undefined for an ordinary program. */
export function innerOf(
  program: string,
  words: readonly ResolvedWord[],
  grounds: Grounds,
): Unwrapped | undefined {
  const wrappers = grounds.policy.wrappers.get(program)
  if (!wrappers && !isFind(program)) return undefined
  if (words.length === 2 && /^--(?:help|version)$/.test(words[1]?.value ?? '')) return undefined
  if (words.length === 2) {
    const reading = readProgram(program, words, grounds)
    if (reading?.form.id === 'version' && reading.refusal === undefined) return undefined
  }
  if (isFind(program)) {
    const inner = unwrapFind(words)
    return inner.length > 0 ? { floor: 'safe', reason: undefined, inner } : undefined
  }
  for (const wrapper of wrappers ?? []) {
    const unwrapped = unwrap(wrapper, words)
    if (unwrapped) return unwrapped
  }
  return undefined
}

/** Findings on a wrapper itself, whatever it runs. */
export function judgeWrapper(
  { floor, reason, inner }: Unwrapped,
  program: string,
  words: readonly ResolvedWord[],
  via: Via,
  grounds: Grounds,
  findings: readonly Finding[],
): Finding[] {
  const own: Finding[] = [...findings]
  if (isFind(program)) {
    const reading = readProgram(program, words, grounds)
    if (reading?.refusal !== undefined) own.push(review('find', reading.refusal))
  }
  if (program === 'sudo' && floor !== 'safe') {
    own.push({
      level: grounds.policy.sudo === 'blocked' ? 'BLOCKED' : 'REVIEW',
      rule: 'sudo',
      reason: 'runs with the rights of another account',
    })
  } else if (floor !== 'safe') {
    own.push({
      level: floor === 'blocked' ? 'BLOCKED' : 'REVIEW',
      rule: 'wrapper',
      reason: reason ?? `${program} runs another command`,
    })
  }
  if (via.layers >= mostWrappers) own.push(review('too-deep', 'wrapped too many times to judge'))
  for (const word of words) if (word.opaque !== undefined) own.push(review('dynamic', word.opaque))
  const namesNothing = inner.every((each) => each.kind === 'words' && each.words.length === 0)
  if (namesNothing && own.length === 0) own.push(...judgeEmpty(program, via))
  return own
}

/** A wrapper without a command takes the first word that another one adds for it. */
function judgeEmpty(program: string, { added }: Via): Finding[] {
  if (added) return [review('dynamic-program', `${program} runs what ${added.by} adds`)]
  if (program === 'xargs') return []
  if (program === 'env') return [review('environment', 'prints the whole environment')]
  return [review('wrapper', `${program} without a command that is understood`)]
}

/** Whether the names that a wrapper adds lie below the working directory; found out when it is asked. */
export function containment(
  program: string,
  words: readonly ResolvedWord[],
  scope: Scope,
  grounds: Grounds,
): () => boolean {
  const isSecret = (path: string): boolean =>
    secrecyOf(path, /[*?[]/.test(path), scope, grounds) !== undefined
  const here = resolvePath('.', scope.cwd)
  const { isLost } = scope
  return once(() => {
    const isApart = !isLost && !isSecret('.') && !grounds.paths.isWide(here)
    return (
      isApart &&
      containedProducer(isFind(program) ? words : scope.upstream, isSecret, (path) =>
        grounds.paths.isWide(path),
      )
    )
  })
}

/** The wrapper's own words, without those of the command that it runs. */
export function ownWords(
  program: string,
  words: readonly ResolvedWord[],
  unwrapped: Unwrapped | undefined,
): readonly ResolvedWord[] {
  let longest = 0
  for (const each of unwrapped?.inner ?? [])
    if (each.kind === 'words') longest = Math.max(longest, each.words.length)
  return longest > 0 && program !== 'find' ? words.slice(0, words.length - longest) : words
}

function isFind(program: string): boolean {
  return program === 'find' || program === 'gfind'
}
