import { createHmac } from 'node:crypto'
import { hint, isSecretName, type SecretPattern, secretPatterns } from './secret-patterns.ts'

/** A shorter secret is left out where it was found, and not looked for elsewhere: it would be found in everything. */
const shortestSpread = 4
const markPattern = /^\[masked:[0-9a-f]{8}\]$/

export interface MaskingOptions {
  /** keys the hashes that stand for what was left out: without it they cannot be guessed at */
  readonly key: Buffer
  readonly isOn: boolean
  /** more that is secret: the group `secret`, or all that is matched */
  readonly patterns?: readonly RegExp[]
}

type Span = [from: number, to: number]

const nothing: ReadonlySet<string> = new Set()

const shipped: readonly SecretPattern[] = secretPatterns.map((one) => ({
  ...one,
  pattern: withFlags(one.pattern),
}))

/** Finds what looks like a credential and leaves it out, with a keyed hash in its place: equal ones stay equal. */
export class Masker {
  readonly #options: MaskingOptions
  readonly #own: readonly Omit<SecretPattern, 'id'>[]

  constructor(options: MaskingOptions) {
    this.#options = options
    this.#own = (options.patterns ?? []).map((pattern) => ({
      hint: /^/,
      pattern: withFlags(pattern),
    }))
  }

  get isOn(): boolean {
    return this.#options.isOn
  }

  /** Whether a text is worth a closer look: there is no credential in it when it is not. */
  mayHold(text: string): boolean {
    return this.#options.isOn && (this.#own.length > 0 || hint.test(text))
  }

  /** What looks like a credential in a text, each once. */
  secretsIn(text: string): ReadonlySet<string> {
    if (!this.mayHold(text)) return nothing
    return new Set(this.#spansIn(text).map(([from, to]) => text.slice(from, to)))
  }

  /** What is secret of an environment: by its name, or by what it looks like. */
  secretsOfEnv(env: Readonly<Record<string, string>>): Set<string> {
    const found = new Set<string>()
    if (!this.#options.isOn) return found
    for (const [name, value] of Object.entries(env)) {
      if (value === '') continue
      if (isSecretName(name)) found.add(value)
      else for (const secret of this.secretsIn(value)) found.add(secret)
    }
    return found
  }

  /** A text without what looks like a credential in it, and without secrets that are known already. */
  mask(text: string, known: ReadonlySet<string> = nothing): string {
    if (!this.#options.isOn || (known.size === 0 && !this.mayHold(text))) return text
    let masked = ''
    let end = 0
    for (const [from, to] of this.#spansIn(text)) {
      masked += text.slice(end, from) + this.mark(text.slice(from, to))
      end = to
    }
    masked += text.slice(end)
    return known.size === 0 ? masked : this.#without(masked, known)
  }

  /** The same of every string in a value, names of fields excepted. */
  maskDeep<T>(value: T, known: ReadonlySet<string> = nothing): T {
    if (!this.#options.isOn) return value
    if (known.size === 0 && !this.mayHold(JSON.stringify(value))) return value
    return this.#deep(value, known) as T
  }

  /** The environment with every secret value left out. */
  maskEnv(
    env: Readonly<Record<string, string>>,
    known: ReadonlySet<string>,
  ): Record<string, string> {
    return Object.fromEntries(
      Object.entries(env).map(([name, value]) => [
        name,
        this.#options.isOn && value !== '' && isSecretName(name)
          ? this.mark(value)
          : this.mask(value, known),
      ]),
    )
  }

  /** What stands for a secret. */
  mark(secret: string): string {
    return `[masked:${this.#hmac(secret).slice(0, 8)}]`
  }

  /** Keys a hash of something masked: by the plain one a weak secret could be found by trying. */
  keyed(hash: string): string {
    return `k${this.#hmac(hash).slice(0, Math.max(15, hash.length - 1))}`
  }

  #hmac(text: string): string {
    return createHmac('sha256', this.#options.key).update(text).digest('hex')
  }

  /** Where secrets stand, from left to right; those that overlap are one. */
  #spansIn(text: string): Span[] {
    const found: Span[] = []
    for (const { hint: ofThis, pattern, isNamed } of [...shipped, ...this.#own]) {
      if (!ofThis.test(text)) continue
      for (const match of text.matchAll(pattern)) {
        const span = spanOf(match)
        if (span === undefined || span[0] === span[1]) continue
        if (isNamed && !isSecretName(match.groups?.['name'] ?? '')) continue
        if (!markPattern.test(text.slice(...span))) found.push(span)
      }
    }
    if (found.length < 2) return found
    found.sort((a, b) => a[0] - b[0] || b[1] - a[1])
    const merged: Span[] = []
    for (const [from, to] of found) {
      const last = merged.at(-1)
      if (last === undefined || from >= last[1]) merged.push([from, to])
      else last[1] = Math.max(last[1], to)
    }
    return merged
  }

  #without(text: string, known: ReadonlySet<string>): string {
    let left = text
    for (const secret of known) {
      if (left === secret) return this.mark(secret)
      if (secret.length >= shortestSpread) left = left.replaceAll(secret, () => this.mark(secret))
      else if (left.startsWith('-') && left.endsWith(secret)) {
        left = left.slice(0, left.length - secret.length) + this.mark(secret)
      }
    }
    return left
  }

  #deep(value: unknown, known: ReadonlySet<string>): unknown {
    if (typeof value === 'string') return this.mask(value, known)
    if (Array.isArray(value)) return value.map((item) => this.#deep(item, known))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, this.#deep(item, known)]),
    )
  }
}

/** Where the secret of a match is: in its group, or all of it. */
function spanOf(match: RegExpExecArray): Span | undefined {
  const { indices } = match
  const { groups } = indices ?? {}
  if (groups === undefined) return indices?.[0]
  const span = groups['secret'] ?? groups['secret2'] ?? groups['secret3']
  return span && [span[0], span[1]]
}

function withFlags(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, `${pattern.flags.replace(/[gdy]/g, '')}gd`)
}
