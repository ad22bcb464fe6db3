import type { ReadArguments } from '../options.ts'
import type { ResolvedWord } from '../../shell/resolve-words.ts'

/** The input of a check: the words, their sorting, and the index of the first argument. */
export interface CheckInput {
  readonly words: readonly ResolvedWord[]
  readonly read: ReadArguments
  readonly from: number
}

/** Looks into arguments that have a language of their own. Returns why it is not a reading form, or undefined. */
export type Check = (input: CheckInput) => string | undefined

/** The values of the operands. */
export function operandValues({ words, read }: CheckInput): string[] {
  return read.operands.map((at) => words[at]?.value ?? '')
}
