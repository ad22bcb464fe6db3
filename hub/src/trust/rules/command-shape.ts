import { resolvePath } from '../shell/resolve-path.ts'
import { withoutLiterals } from './sql-text.ts'

const longestText = 2048
/** Operands that tell what a program is to do. */
const mostOperands = 4

/** For each argument, counted without the program, whether it is text for people or for a search, not an operand. */
export type IsProse = (index: number) => boolean

export const noProse: IsProse = () => false

/** One simple command, resolved as far as possible, for danger conditions; each answer is kept for the next one. */
export class Shape {
  readonly program: string
  /** Arguments without the program. */
  readonly args: readonly string[]
  /** Static text that the program reads on its standard input. */
  readonly input: string | undefined
  readonly isProse: IsProse
  readonly #cwd: string | undefined
  #text: string | undefined
  #statements: string | undefined
  #operands: string | undefined
  #paths: (readonly string[] | undefined)[] | undefined

  constructor(
    program: string,
    args: readonly string[],
    input: string | undefined,
    isProse: IsProse,
    cwd: string | undefined,
  ) {
    this.program = program
    this.args = args
    this.input = input
    this.isProse = isProse
    this.#cwd = cwd
  }

  /** An argument as an absolute path. */
  pathOf(argument: string): string {
    return resolvePath(argument, this.#cwd)
  }

  /** The possible paths in an argument, absolute: itself, the text after `=`, or after an option's letter. */
  pathsNamedBy(index: number): readonly string[] {
    this.#paths ??= []
    this.#paths[index] ??= namedIn(this.args[index] ?? '').map((name) => this.pathOf(name))
    return this.#paths[index]
  }

  /** The first operands. */
  operands(): string {
    this.#operands ??= this.args
      .filter((arg) => !arg.startsWith('-'))
      .slice(0, mostOperands)
      .join(' ')
    return this.#operands
  }

  /** The arguments that are no prose, and the input, as one text of bounded length. */
  text(): string {
    this.#text ??= bounded(
      this.#read().join(' ') + (this.input === undefined ? '' : `\n${this.input}`),
    )
    return this.#text
  }

  /** The same as statements of SQL, without literals and comments. */
  statements(): string {
    this.#statements ??= bounded(
      [...this.#read(), ...(this.input === undefined ? [] : [this.input])]
        .map(withoutLiterals)
        .join('\n'),
    )
    return this.#statements
  }

  #read(): string[] {
    return this.args.filter((_, index) => !this.isProse(index))
  }
}

function bounded(text: string): string {
  return text.length > 256 ? text.replaceAll(/\s+/g, ' ').slice(0, longestText) : text
}

function namedIn(arg: string): string[] {
  const value =
    /^(?:--[\w-]+|\w+)=(.+)$/s.exec(arg)?.[1] ?? /^(?:-[a-zA-Z]|[A-Z-]+:)(\/.*)$/s.exec(arg)?.[1]
  if (value !== undefined) return value.startsWith('-') ? [] : [value]
  return arg.startsWith('-') ? [] : [arg]
}
