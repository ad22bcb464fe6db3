import { createHmac } from 'node:crypto'
import { isSecretName, SecretFinder } from '@centralpost/shared'

/**
 * A shorter secret is removed only where it was found: searched elsewhere, it would match
 * everywhere.
 */
const shortestSpread = 4

export interface MaskingOptions {
  /** key of the hashes that replace secrets: prevents guessing */
  readonly key: Buffer
  readonly isOn: boolean
  /** additional secrets: the group `secret`, or the whole match */
  readonly patterns?: readonly RegExp[]
}

const nothing: ReadonlySet<string> = new Set()

/** Finds probable credentials and replaces them with a keyed hash: equal ones stay equal. */
export class Masker {
  readonly #options: MaskingOptions
  readonly #finder: SecretFinder

  constructor(options: MaskingOptions) {
    this.#options = options
    this.#finder = new SecretFinder(options.patterns)
  }

  get isOn(): boolean {
    return this.#options.isOn
  }

  /** A quick pre-check: false means that the text contains no credential. */
  mayHold(text: string): boolean {
    return this.#options.isOn && this.#finder.mayHold(text)
  }

  /** The probable credentials in a text, each once. */
  secretsIn(text: string): ReadonlySet<string> {
    if (!this.mayHold(text)) return nothing
    return new Set(this.#finder.spansIn(text).map(([from, to]) => text.slice(from, to)))
  }

  /** The secrets of an environment: by name, or by pattern. */
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

  /** A text without probable credentials, and without known secrets. */
  mask(text: string, known: ReadonlySet<string> = nothing): string {
    if (!this.#options.isOn || (known.size === 0 && !this.mayHold(text))) return text
    const masked = this.#finder.replaced(text, (secret) => this.mark(secret))
    return known.size === 0 ? masked : this.#without(masked, known)
  }

  /** The same for every string in a value, except field names. */
  maskDeep<T>(value: T, known: ReadonlySet<string> = nothing): T {
    if (!this.#options.isOn) return value
    if (known.size === 0 && !this.mayHold(JSON.stringify(value))) return value
    return this.#deep(value, known) as T
  }

  /** The environment with every secret value masked. */
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

  /** The replacement for a secret. */
  mark(secret: string): string {
    return `[masked:${this.#hmac(secret).slice(0, 8)}]`
  }

  /** Keys the hash of a masked text: a plain hash would allow guessing a weak secret. */
  keyed(hash: string): string {
    return `k${this.#hmac(hash).slice(0, Math.max(15, hash.length - 1))}`
  }

  #hmac(text: string): string {
    return createHmac('sha256', this.#options.key).update(text).digest('hex')
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
