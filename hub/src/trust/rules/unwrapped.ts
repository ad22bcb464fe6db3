import type { Assignment } from '../shell/command-tree.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Added } from './added.ts'

export type Floor = 'safe' | 'review' | 'blocked'

/** The command that a wrapper runs: words, or shell text still to be parsed. */
export type Inner =
  | {
      readonly kind: 'words'
      readonly words: readonly ResolvedWord[]
      readonly assignments: readonly Assignment[]
      /** Words that the wrapper adds when it runs (`xargs`, `find -exec {}`). */
      readonly added?: Added | undefined
    }
  | { readonly kind: 'text'; readonly text: string }

export interface Unwrapped {
  readonly floor: Floor
  readonly reason: string | undefined
  readonly inner: readonly Inner[]
  /** Whether it takes variables out of the environment. */
  readonly strips?: boolean
  /** The working directory of the inner command. */
  readonly directory?: ResolvedWord | undefined
}
