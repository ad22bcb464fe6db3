import { createHmac } from 'node:crypto'
import { isSecretName, SecretFinder } from '@centralpost/shared'

/** A shorter secret is left out where it was found, and not looked for elsewhere: it would be found in everything. */
const shortestSpread = 4

export interface MaskingOptions {
  /** keys the hashes that stand for what was left out: without it they cannot be guessed at */
  readonly key: Buffer
  readonly isOn: boolean
  /** more that is secret: the group `secret`, or all that is matched */
  readonly patterns?: readonly RegExp[]
}

const nothing: ReadonlySet<string> = new Set()

/** Finds what looks like a credential and leaves it out, with a keyed hash in its place: equal ones stay equal. */
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

  /** Whether a text is worth a closer look: there is no credential in it when it is not. */
  mayHold(text: string): boolean {
    return this.#options.isOn && this.#finder.mayHold(text)
  }

  /** What looks like a credential in a text, each once. */
  secretsIn(text: string): ReadonlySet<string> {
    if (!this.mayHold(text)) return nothing
    return new Set(this.#finder.spansIn(text).map(([from, to]) => text.slice(from, to)))
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
    const masked = this.#finder.replaced(text, (secret) => this.mark(secret))
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
