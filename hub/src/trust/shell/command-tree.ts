/**
 * A parsed command as the classifier sees it: simple commands inside compounds. A compound keeps its
 * `shape`, the sequence of keywords, words and children that prints it again, so that walking, judging and
 * printing all follow one list.
 */
export type CommandNode = SimpleCommand | Compound

/** One piece of a word that is not plain text. */
export type Piece =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'glob'; readonly text: string }
  | { readonly kind: 'tilde'; readonly text: string }
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly text: string
      readonly quoted: boolean
      /** False where more than the variable's value is asked for: `${x:-y}`, `${x/a/b}`. */
      readonly plain: boolean
    }
  | { readonly kind: 'script'; readonly script: CommandNode | null; readonly quoted: boolean }
  | { readonly kind: 'process'; readonly script: CommandNode | null; readonly operator: '<' | '>' }
  /**
   * Code that can be executed but not predicted: arithmetic with names, `${!x}`, extended globs.
   */
  | { readonly kind: 'opaque'; readonly reason: string; readonly text: string }

/** One word. A word without `pieces` is static: `value` is exactly what the program receives. */
export interface Word {
  readonly value: string
  readonly pieces?: readonly Piece[]
}

export interface Assignment {
  readonly name: string
  readonly value: Word
  /** `a[i]=x`, `a+=x` and `a=(…)` do more than set a plain variable. */
  readonly plain: boolean
}

export interface Redirect {
  /** `<<` stands for both kinds of here-document; `target` is then the body. */
  readonly operator: '>' | '>>' | '<' | '<>' | '<&' | '>&' | '>|' | '&>' | '&>>' | '<<' | '<<<'
  readonly fd: number | undefined
  /** `{name}>file`: bash chooses the descriptor and sets a variable. */
  readonly fdVariable: string | undefined
  readonly target: Word
}

export interface SimpleCommand {
  readonly kind: 'simple'
  readonly assignments: readonly Assignment[]
  readonly words: readonly Word[]
  readonly redirects: readonly Redirect[]
}

export type CompoundKind =
  | 'pipeline'
  | 'list'
  | 'background'
  | 'group'
  | 'subshell'
  | 'if'
  | 'while'
  | 'for'
  | 'case'
  | 'select'
  | 'function'
  | 'coproc'
  | 'test'
  | 'arithmetic'

export interface Compound {
  readonly kind: CompoundKind
  /** Keywords and operators as text, words and children in the order of the source. */
  readonly shape: readonly (string | Word | CommandNode)[]
  readonly redirects: readonly Redirect[]
  /** The name that a `for`, `select` or `function` gives. */
  readonly name?: string
  /** Whether it can be printed again and run as it was judged. */
  readonly reproducible: boolean
}

export interface ParsedCommand {
  /** Null when the text holds no command at all (empty, comments only). */
  readonly root: CommandNode | null
  /** Why bash would reject the text, or why the parser's answer is not trusted. */
  readonly faults: readonly string[]
}

export function isSimple(part: string | Word | CommandNode): part is SimpleCommand {
  return typeof part === 'object' && 'kind' in part && part.kind === 'simple'
}

export function isNode(part: string | Word | CommandNode): part is CommandNode {
  return typeof part === 'object' && 'kind' in part
}

export function isStatic(word: Word): boolean {
  return word.pieces === undefined
}
