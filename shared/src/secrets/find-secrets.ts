import { programSecrets } from './program-secrets.ts'
import { hint, isSecretName, programHint, secretPatterns } from './secret-patterns.ts'
import type { SecretPattern } from './secret-value.ts'

const markPattern = /\[masked(?::[0-9a-f]{8})?\]/g

export type SecretSpan = [from: number, to: number]

/** Finds probable credentials in a text. */
export class SecretFinder {
  readonly #patterns: readonly Omit<SecretPattern, 'id'>[]
  readonly #withoutPrograms: readonly Omit<SecretPattern, 'id'>[]
  readonly #hasOwn: boolean

  /** @param own additional secrets: the group `secret`, or the whole match */
  constructor(own: readonly RegExp[] = []) {
    this.#hasOwn = own.length > 0
    this.#withoutPrograms = [
      ...general,
      ...own.map((pattern) => ({ hint: /^/, pattern: withFlags(pattern) })),
    ]
    this.#patterns = [...ofPrograms, ...this.#withoutPrograms]
  }

  /** A quick pre-check: false means that the text contains no credential. */
  mayHold(text: string): boolean {
    return this.#hasOwn || hint.test(text)
  }

  /** The patterns without those of programs, for text that names none of these programs. */
  #patternsFor(text: string): readonly Omit<SecretPattern, 'id'>[] {
    return programHint.test(text) ? this.#patterns : this.#withoutPrograms
  }

  /** The positions of secrets, from left to right; overlapping ones are merged. */
  spansIn(text: string): SecretSpan[] {
    const found: SecretSpan[] = []
    const marks = Array.from(
      text.matchAll(markPattern),
      ({ 0: mark, index }) => [index, index + mark.length] as const,
    )
    // already masked text stays as it is
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
   * Replaces each secret of a text.
   *
   * @param mark the replacement
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

/** The position of the secret within a match: its group, or the whole match. */
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
