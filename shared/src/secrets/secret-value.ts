/** What credentials look like. Each pattern has one group named `secret` (or `secret2`, `secret3`): just that is left out. */
export interface SecretPattern {
  readonly id: string
  /**
   * Nothing that the pattern finds is without one of these, which are quickly looked for: alternatives without groups.
   * That holds also of a text as JSON: none names a line break, a quote or a backslash.
   */
  readonly hint: RegExp
  /** nor is it without one of these */
  readonly also?: RegExp
  readonly pattern: RegExp
  /** the group `name` must be the name of a secret: see `isSecretName` */
  readonly isNamed?: boolean
}

/** A value that refers to a secret, or says that there is none. */
export const noValue = String.raw`(?!\$[\w({]|(?:env|file|fd):|<[\w -]{1,40}>|\*{3,}|(?:true|false|null|none|nil|undefined|yes|no|on|off|\d{1,3})(?![\w.~+/=-])|\[masked:)`

const bare = String.raw`[^\s'"\x60;&|<>(){},\\]{1,4096}`
export const quotedOrBare = String.raw`(?:'(?<secret>[^'\n]{1,4096})'|"(?<secret2>[^"\n]{1,4096})"|(?<secret3>${bare}))`
/** A word that is a secret by its place. */
export const value = `${noValue}${quotedOrBare}`

export const named = (text: string, flags = ''): RegExp => new RegExp(text, `g${flags}`)
