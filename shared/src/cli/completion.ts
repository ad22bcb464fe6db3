/** The part of a command tree that completion reads; commander's commands have this form. */
export interface CommandTree {
  name(): string
  description(): string
  readonly commands: readonly CommandTree[]
  readonly options: readonly OptionInTree[]
  readonly registeredArguments: readonly {
    name(): string
    readonly argChoices?: readonly string[] | undefined
    readonly variadic: boolean
  }[]
}

interface OptionInTree {
  readonly long?: string | null | undefined
  readonly short?: string | null | undefined
  readonly flags: string
  readonly description: string
  readonly hidden: boolean
  readonly required: boolean
  readonly optional: boolean
  readonly argChoices?: readonly string[] | undefined
}

export interface Candidate {
  readonly word: string
  readonly about: string
}

/** Candidates for the next word, and what else a shell should offer. */
export interface Completion {
  readonly candidates: readonly Candidate[]
  /** whether file or directory names fit */
  readonly paths: 'none' | 'files' | 'directories'
  /** the names of the command and of the argument being typed, whose values the hub may know */
  readonly argument: { readonly command: readonly string[]; readonly name: string } | null
}

const none: Completion = { candidates: [], paths: 'none', argument: null }

/**
 * Completes a command line.
 *
 * @param program the tree of all commands
 * @param typed the words after the program's name; the last one is being typed, and may be empty
 */
export function complete(program: CommandTree, typed: readonly string[]): Completion {
  // bash splits `--level=SAFE` into three words
  const words = typed.filter((word, at) => word !== '=' || !typed[at - 1]?.startsWith('--'))
  const current = words.at(-1) ?? ''
  let command = program
  let value: OptionInTree | undefined
  let position = 0
  const path: string[] = []
  for (const word of words.slice(0, -1)) {
    if (word === '--') return none
    if (value !== undefined) {
      value = undefined
      continue
    }
    if (word.startsWith('-')) {
      value = word.includes('=') ? undefined : takesValue(command, word)
      continue
    }
    const inner = position === 0 ? command.commands.find((one) => one.name() === word) : undefined
    if (inner === undefined) position += 1
    else {
      command = inner
      path.push(word)
    }
  }
  if (value !== undefined) return valuesOf(value, current, '')
  const [flag = ''] = current.split('=', 1)
  const assigned = current.startsWith('--') && current.includes('=')
  if (assigned) {
    const option = takesValue(command, flag)
    return option ? valuesOf(option, current.slice(flag.length + 1), `${flag}=`) : none
  }
  if (current.startsWith('-')) return fitting(optionsOf(command), current)
  return argumentOf(command, { path, position, current })
}

function argumentOf(
  command: CommandTree,
  at: { path: readonly string[]; position: number; current: string },
): Completion {
  const commands =
    at.position > 0
      ? []
      : command.commands.map((inner) => ({ word: inner.name(), about: inner.description() }))
  const last = command.registeredArguments.at(-1)
  const argument = command.registeredArguments[at.position] ?? (last?.variadic ? last : undefined)
  const choices = (argument?.argChoices ?? []).map((word) => ({ word, about: '' }))
  return {
    ...fitting([...commands, ...choices], at.current),
    paths: argument === undefined ? 'none' : pathsFor(argument.name()),
    argument: argument === undefined ? null : { command: at.path, name: argument.name() },
  }
}

function takesValue(command: CommandTree, word: string): OptionInTree | undefined {
  const option = command.options.find(({ long, short }) => word === long || word === short)
  return option?.required ? option : undefined
}

function valuesOf(option: OptionInTree, current: string, before: string): Completion {
  const values = (option.argChoices ?? []).map((word) => ({ word, about: '' }))
  const { candidates } = fitting(values, current)
  return {
    candidates: candidates.map(({ word, about }) => ({ word: before + word, about })),
    paths: before === '' ? pathsFor(option.flags) : 'none',
    argument: null,
  }
}

function optionsOf(command: CommandTree): Candidate[] {
  return [
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description })),
    { word: '--help', about: 'show its usage' },
  ]
}

function fitting(candidates: readonly Candidate[], start: string): Completion {
  return { ...none, candidates: candidates.filter(({ word }) => word.startsWith(start)) }
}

function pathsFor(words: string): Completion['paths'] {
  if (/\bdir\b/.test(words)) return 'directories'
  return /\b(file|rules|path)\b/.test(words) ? 'files' : 'none'
}

/**
 * Prints a completion for the shell scripts: a word and its description, and `:files` or
 * `:directories`.
 */
export function completionLines(completion: Completion): string[] {
  const lines = completion.candidates.map(({ word, about }) => `${word}\t${about}`)
  return completion.paths === 'none' ? lines : [...lines, `:${completion.paths}`]
}
