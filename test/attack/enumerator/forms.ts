import { existsSync } from 'node:fs'
import type { Form } from '#hub/trust/rules/program-rules.ts'
import type { Policy } from '#hub/trust/rules/policy.ts'
import {
  addresses,
  commands,
  files,
  leads,
  numbers,
  outputs,
  patterns,
  scripts,
  secrets,
} from './hostile-words.ts'
import { type Options, optionsOf } from './options-of.ts'
import type { Random } from './random.ts'

/** A program of the rules that is installed here, with one of its sub-commands. */
export interface Subject {
  readonly program: string
  readonly sub: readonly string[]
  /** the options of the program itself, and those of the sub-command */
  readonly options: readonly Options[]
}

const systemFolders = ['/usr/bin/', '/bin/', '/usr/sbin/', '/sbin/', '/usr/local/bin/']
const deepest = 2
const mostWords = 4

/** Every program that the rules know and this machine has, once for each of its sub-commands. */
export function subjectsOf(policy: Policy): Subject[] {
  const names = new Set([...policy.programs.keys(), ...policy.versions])
  return [...names].toSorted().flatMap((program) => {
    const isInstalled = systemFolders.some((folder) => existsSync(folder + program))
    if (!isInstalled) return []
    const own = optionsOf(program, [program, '--help'])
    const subs = subCommandsOf(policy.programs.get(program) ?? [], [])
    return subs.map((sub) => ({
      program,
      sub,
      options:
        sub.length === 0
          ? [own]
          : [own, optionsOf([program, ...sub].join('-'), [program, ...sub, '-h'])],
    }))
  })
}

function subCommandsOf(forms: readonly Form[], above: readonly string[]): string[][] {
  const below = forms.flatMap(({ sub }) => (above.length < deepest && sub ? [...sub] : []))
  return [[...above], ...below.flatMap(([name, form]) => subCommandsOf([form], [...above, name]))]
}

/**
 * Makes a command of a program's real options: clusters, abbreviations, values in every way that they can be given, hostile
 * operands, words that another program appends, and what people put around a command.
 */
export function commandOf({ program, sub, options }: Subject, random: Random): string {
  const own = options[0]
  const last = options.at(-1)
  const before = sub.length > 0 && own && random.chance(0.15) ? optionWords(own, random) : []
  const given = Array.from({ length: random.below(mostWords) }, () =>
    last && random.chance(0.75) ? optionWords(last, random) : [operand(random)],
  ).flat()
  if (random.chance(0.5)) given.push(operand(random))
  if (random.chance(0.15)) given.push(operand(random))
  return surrounded([program, ...before, ...sub], given, random)
}

function optionWords(options: Options, random: Random): string[] {
  const { long, short, single } = options
  const kinds = [
    ...(long.size > 0 ? ['long', 'long', 'prefix'] : []),
    ...(short.size > 0 ? ['short', 'cluster', 'cluster'] : []),
    ...(single.size > 0 && long.size === 0 ? ['single'] : []),
  ]
  if (kinds.length === 0) return []
  const kind = random.pick(kinds)
  if (kind === 'single') return withValue(`-${random.pick([...single])}`, true, random, ' ')
  if (kind === 'long' || kind === 'prefix') {
    const [name, takes] = random.pick([...long])
    const cut = kind === 'prefix' ? name.slice(0, Math.max(2, random.below(name.length) + 1)) : name
    return withValue(`--${cut}`, takes || random.chance(0.1), random, '=')
  }
  const letters = [...short]
  const count = kind === 'cluster' ? 2 + random.below(2) : 1
  const chosen = Array.from({ length: count }, () => random.pick(letters))
  const takes = chosen.at(-1)?.[1] === true
  return withValue(`-${chosen.map(([letter]) => letter).join('')}`, takes, random, '')
}

function withValue(option: string, takes: boolean, random: Random, glue: string): string[] {
  if (!takes && !random.chance(0.1)) return [option]
  const word = value(random)
  return random.chance(0.5) ? [option, quoted(word)] : [`${option}${glue}${quoted(word)}`]
}

function value(random: Random): string {
  return random.pick(
    random.pick([secrets, leads, outputs, commands, addresses, files, patterns, numbers, scripts]),
  )
}

function operand(random: Random): string {
  const from = random.pick([files, files, patterns, scripts, secrets, leads, addresses, outputs])
  return quoted(random.pick(from))
}

/** Patterns and homes stay open to the shell. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./?*[\]~-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function surrounded(head: readonly string[], given: readonly string[], random: Random): string {
  const plain = [...head, ...given].join(' ')
  const appended = given.map((word) => quoted(word.replaceAll(/^'|'$/g, ''))).join(' ')
  switch (random.below(14)) {
    case 0:
      return `printf '%s\\n' ${appended === '' ? 'a.txt' : appended} | xargs ${head.join(' ')}`
    case 1:
      return `echo ${appended} | xargs -n 1 ${head.join(' ')}`
    case 2:
      return `find . -maxdepth 1 -name ${given[0] ?? 'a.txt'} -exec ${head.join(' ')} {} +`
    case 3:
      return `cat list | xargs ${plain}`
    case 4:
      return `env -i ${plain}`
    case 5:
      return `env -u HOME ${plain}`
    case 6:
      return `cd -P src && cd .. && ${plain}`
    case 7:
      return `${plain} | head -n 3; df /`
    case 8:
      return `${plain} < ${quoted(random.pick([...secrets, ...files]))}`
    default:
      return plain
  }
}
