/** One argument as the options see it. */
export interface Argument {
  readonly value: string
  /** Exactly what the program receives, so that its being an option can be told. */
  readonly exact: boolean
  /** A pattern; `safeStart` where no file name it matches can begin with a dash. */
  readonly glob: boolean
  readonly safeStart: boolean
}
