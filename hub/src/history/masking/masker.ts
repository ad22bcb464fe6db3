import { createHmac } from 'node:crypto'
import { hint, secretName, secretPatterns } from './secret-patterns.ts'

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

/** Finds what looks like a credential and leaves it out, with a keyed hash in its place: equal ones stay equal. */
export class Masker {
  readonly #options: MaskingOptions
  readonly #patterns: readonly RegExp[]
  readonly #more: readonly RegExp[]

  constructor(options: MaskingOptions) {
    this.#options = options
    this.#patterns = secretPatterns.map(({ pattern }) => pattern)
    this.#more = (options.patterns ?? []).map(
      (pattern) => new RegExp(pattern.source, withFlag(pattern.flags)),
    )
  }

  get isOn(): boolean {
    return this.#options.isOn
  }

  /** What looks like a credential in a text, each once. */
  secretsIn(text: string): Set<string> {
    const found = new Set<string>()
    if (!this.#options.isOn) return found
    for (const pattern of this.#patternsFor(text)) {
      for (const match of text.matchAll(pattern)) {
        const secret = secretOf(match)
        if (secret !== '' && !markPattern.test(secret)) found.add(secret)
      }
    }
    return found
  }

  /** What is secret of an environment: by its name, or by what it looks like. */
  secretsOfEnv(env: Readonly<Record<string, string>>): Set<string> {
    const found = new Set<string>()
    if (!this.#options.isOn) return found
    for (const [name, value] of Object.entries(env)) {
      if (value === '') continue
      if (secretName.test(name)) found.add(value)
      else for (const secret of this.secretsIn(value)) found.add(secret)
    }
    return found
  }

  /** A text without what looks like a credential in it, and without secrets that are known already. */
  mask(text: string, known: ReadonlySet<string> = new Set()): string {
    if (!this.#options.isOn || text === '') return text
    let masked = text
    for (const pattern of this.#patternsFor(text)) {
      masked = masked.replace(pattern, (...match: unknown[]) => this.#marked(match))
    }
    return known.size === 0 ? masked : this.#without(masked, known)
  }

  /** The same of every string in a value, names of fields excepted. */
  maskDeep<T>(value: T, known: ReadonlySet<string> = new Set()): T {
    if (!this.#options.isOn) return value
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
        this.#options.isOn && value !== '' && secretName.test(name)
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

  #patternsFor(text: string): readonly RegExp[] {
    return hint.test(text) ? [...this.#patterns, ...this.#more] : this.#more
  }

  /** The arguments that `replace` hands over: the match, its groups, where it is, the whole, the named groups. */
  #marked(match: readonly unknown[]): string {
    const whole = String(match[0])
    const last = match.at(-1)
    const groups = typeof last === 'object' && last !== null ? last : undefined
    const secret = secretOf({ 0: whole, groups: groups as Record<string, string> | undefined })
    if (secret === '' || markPattern.test(secret)) return whole
    // the secret is at the end of what leads to it, or the whole
    const at = whole.lastIndexOf(secret)
    return whole.slice(0, at) + this.mark(secret) + whole.slice(at + secret.length)
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

function secretOf(match: {
  readonly 0: string
  readonly groups?: Record<string, string | undefined> | undefined
}): string {
  const { groups } = match
  if (groups === undefined) return match[0]
  return groups['secret'] ?? groups['secret2'] ?? groups['secret3'] ?? ''
}

function withFlag(flags: string): string {
  return flags.includes('g') ? flags : `${flags}g`
}
