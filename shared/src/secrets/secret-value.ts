/**
 * Patterns of credentials. Each has one group named `secret` (or `secret2`, `secret3`): only that
 * is masked.
 */
export interface SecretPattern {
  readonly id: string
  /**
   * Every match contains one of these, which are quick to search for: alternatives without groups.
   * True also for text in JSON: none contains a line break, a quote or a backslash.
   */
  readonly hint: RegExp
  /** every match also contains one of these */
  readonly also?: RegExp
  readonly pattern: RegExp
  /** the group `name` must be the name of a secret: see `isSecretName` */
  readonly isNamed?: boolean
}

/** A value that refers to a secret, or says that it is absent. */
export const noValue = String.raw`(?!\$[\w({]|(?:env|file|fd):|<[\w -]{1,40}>|\*{3,}|(?:true|false|null|none|nil|undefined|yes|no|on|off|\d{1,3})(?![\w.~+/=-])|\[masked:)`

const bare = String.raw`[^\s'"\x60;&|<>(){},\\]{1,4096}`
export const quotedOrBare = String.raw`(?:'(?<secret>[^'\n]{1,4096})'|"(?<secret2>[^"\n]{1,4096})"|(?<secret3>${bare}))`
/** A positional word that is a secret. */
export const value = `${noValue}${quotedOrBare}`

export const named = (text: string, flags = ''): RegExp => new RegExp(text, `g${flags}`)
