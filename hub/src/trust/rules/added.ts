/** Words that only a wrapper knows, when it runs. */
export interface Added {
  /** Those of find begin with where it searches; those of xargs are any text. */
  readonly by: 'find' | 'xargs'
  /** At the end of the words, or in the place of a part of them. */
  readonly where: 'end' | 'within'
  readonly isMany: boolean
}
