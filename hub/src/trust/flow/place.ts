import type { CommandNode } from '../shell/command-tree.ts'
import type { Finding } from '../judge/findings.ts'
import type { Grounds, Scope } from '../judge/scope.ts'
import type { FlowWord } from './flow-words.ts'
import type { Value } from './value.ts'

/** The context of a command: its directory, and earlier settings. */
export interface Place {
  readonly scope: Scope
  readonly variables: Map<string, Value>
  readonly functions: Map<string, CommandNode>
  /** arguments of the surrounding function or script; `set --` changes them */
  parameters: readonly Value[]
  /** contents written into files before, by path */
  readonly files: Map<string, Value>
  readonly input: Value | undefined
  readonly depth: number
  /** whether the words are literally in the command, and so were judged already */
  readonly isWritten: boolean
}

/** A command with its words as far as they are known. */
export interface Known {
  readonly program: string
  readonly words: readonly FlowWord[]
  /** the words' values, the program's first */
  readonly values: readonly Value[]
  /** the words as texts, without the program */
  readonly args: readonly string[]
}

/** The functions of the whole that following a part needs. */
export interface Following {
  readonly grounds: Grounds
  readonly home: string
  /** follows a command and gives what it prints */
  command(values: readonly Value[], place: Place): Value
  /** follows shell text and gives what it prints */
  text(text: string, place: Place): Value
  /** tries the rules on a command; only what is BLOCKED counts */
  judge(program: string, args: readonly FlowWord[], place: Place): void
  /** keeps what was found in a command */
  add(command: Known, finding: Finding): void
  /** what a file of this name holds */
  file(name: string | undefined, place: Place): Value
}

/** A place whose changes stay in it: of a subshell, a substitution, a stage of a pipeline. */
export function copyOf(place: Place): Place {
  return { ...place, scope: { ...place.scope }, variables: new Map(place.variables) }
}
