import { programSecrets } from './program-secrets.ts'
import { hint, isSecretName, programHint, secretPatterns } from './secret-patterns.ts'
import type { SecretPattern } from './secret-value.ts'

const markPattern = /\[masked(?::[0-9a-f]{8})?\]/g

export type SecretSpan = [from: number, to: number]

/** Finds what looks like a credential in a text. */
export class SecretFinder {
  readonly #patterns: readonly Omit<SecretPattern, 'id'>[]
  readonly #withoutPrograms: readonly Omit<SecretPattern, 'id'>[]
  readonly #hasOwn: boolean

  /** @param own more that is secret: the group `secret`, or all that is matched */
  constructor(own: readonly RegExp[] = []) {
    this.#hasOwn = own.length > 0
    this.#withoutPrograms = [
      ...general,
      ...own.map((pattern) => ({ hint: /^/, pattern: withFlags(pattern) })),
    ]
    this.#patterns = [...ofPrograms, ...this.#withoutPrograms]
  }

  /** Whether a text is worth a closer look: there is no credential in it when it is not. */
  mayHold(text: string): boolean {
    return this.#hasOwn || hint.test(text)
  }

  /** The patterns without those of programs, where none of these is named. */
  #patternsFor(text: string): readonly Omit<SecretPattern, 'id'>[] {
    return programHint.test(text) ? this.#patterns : this.#withoutPrograms
  }

  /** Where secrets stand, from left to right; those that overlap are one. */
  spansIn(text: string): SecretSpan[] {
    const found: SecretSpan[] = []
    const marks = Array.from(
      text.matchAll(markPattern),
      ({ 0: mark, index }) => [index, index + mark.length] as const,
    )
    // what is left out already is left alone
    const isMark = (at: number): boolean => marks.some(([from, to]) => from <= at && at < to)
    for (const { hint: ofThis, also, pattern, isNamed } of this.#patternsFor(text)) {
      if (!ofThis.test(text) || also?.test(text) === false) continue
      for (const match of text.matchAll(pattern)) {
        const span = spanOf(match)
        if (span === undefined || span[0] === span[1]) continue
        if (isNamed && !isSecretName(match.groups?.['name'] ?? '')) continue
        if (!isMark(span[0])) found.push(span)
      }
    }
    if (found.length < 2) return found
    found.sort((a, b) => a[0] - b[0] || b[1] - a[1])
    const merged: SecretSpan[] = []
    for (const [from, to] of found) {
      const last = merged.at(-1)
      if (last === undefined || from >= last[1]) merged.push([from, to])
      else last[1] = Math.max(last[1], to)
    }
    return merged
  }

  /**
   * The text with something else in the place of each secret.
   *
   * @param mark what stands for a secret
   */
  replaced(text: string, mark: (secret: string) => string): string {
    let result = ''
    let end = 0
    for (const [from, to] of this.spansIn(text)) {
      result += text.slice(end, from) + mark(text.slice(from, to))
      end = to
    }
    return result + text.slice(end)
  }
}

const ready = (one: SecretPattern): SecretPattern => ({ ...one, pattern: withFlags(one.pattern) })
const ofPrograms = programSecrets.map(ready)
const general = secretPatterns.filter((one) => !programSecrets.includes(one)).map(ready)

/** Where the secret of a match is: in its group, or all of it. */
function spanOf(match: RegExpExecArray): SecretSpan | undefined {
  const { indices } = match
  const { groups } = indices ?? {}
  if (groups === undefined) return indices?.[0]
  const span = groups['secret'] ?? groups['secret2'] ?? groups['secret3']
  return span && [span[0], span[1]]
}

function withFlags(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, `${pattern.flags.replace(/[gdy]/g, '')}gd`)
}
