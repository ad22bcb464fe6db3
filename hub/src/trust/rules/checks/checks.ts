import type { CheckName } from '../rule-schema.ts'
import { refuseAwkProgram } from './awk-program.ts'
import type { Check, CheckInput } from './check.ts'
import { operandValues } from './check.ts'
import { refuseFind } from './find-expression.ts'
import { refuseHostNames } from './host-names.ts'
import { refusePs } from './ps-columns.ts'
import { refuseSedScript } from './sed-script.ts'

/** The checks that rules name, each for one argument language. */
export const checks: Readonly<Record<CheckName, Check>> = {
  awk: (input) => {
    const program = input.words[input.read.operands[0] ?? -1]
    return program?.exact ? refuseAwkProgram(program.value) : 'an awk program that is not fixed'
  },
  find: refuseFind,
  'git-list': (input) => {
    if (input.read.operands.length === 0) return undefined
    const lists = ['l', 'list', 'contains', 'no-contains', 'merged', 'no-merged', 'points-at', 'n']
    if (lists.some((name) => input.read.options.has(name))) return undefined
    return 'a name without --list creates something'
  },
  hosts: refuseHostNames,
  ip: refuseIp,
  jq: (input) => {
    const filter = input.words[input.read.operands[0] ?? -1]
    if (!filter) return undefined
    if (!filter.exact) return 'a jq filter that is not fixed'
    const reach =
      /(?:^|[^.\w"])(?:env|ENV)\b|\b(?:import|include|modulemeta|input_filename|get_search_list)\b/
    return reach.test(filter.value)
      ? 'a jq filter that reads the environment or other files'
      : undefined
  },
  'one-word': ({ words }) =>
    words.length === 2 ? undefined : 'more than the version is asked for',
  printf: ({ words }) => {
    const format = words[1]?.value === '--' ? words[2] : words[1]
    if (!format?.exact) return 'a printf format that is not fixed'
    if (format.value.startsWith('-')) return 'printf -v sets a variable'
    // bash's own %n, of whatever size, stores a number in the variable that the argument names.
    return /%[^A-Za-z%]*[hjlLqtzZ]*n/.test(format.value.replaceAll('%%', ''))
      ? 'printf %n sets a variable'
      : undefined
  },
  ps: refusePs,
  rpm: ({ read }) =>
    // A package can say in its own fields what such a format runs.
    read.given.some(({ value }) => /:expand|%\(|%\{(?:lua|expand)/.test(value))
      ? 'a format that evaluates macros'
      : undefined,
  sed: (input) => {
    const scripts = sedScripts(input)
    if (scripts === undefined) return 'a sed script that is not fixed'
    return refuseSedScript(scripts.join('\n'))
  },
  tar: refuseTar,
  test: ({ words }) => {
    const evaluates = words.some(
      ({ value }, at) => at > 0 && (/^-[vR]$/.test(value) || /\[.*(?:\$\(|`)/s.test(value)),
    )
    if (evaluates) return 'test evaluates a subscript'
    if (words.some(({ splits }) => splits)) return 'a word that bash splits'
    if (words.filter(({ data }) => data).length > 1) return 'more than one word that is not fixed'
    return words[0]?.value === '[' && words.at(-1)?.value !== ']' ? 'no closing bracket' : undefined
  },
  tree: ({ read }) =>
    read.options.has('fromfile') && read.operands.length > 0
      ? 'tree --fromfile prints what is in the file'
      : undefined,
}

/** The scripts of a sed command, by the options that take one; without any the first operand is it. */
function sedScripts({ words, read }: CheckInput): string[] | undefined {
  const given = read.given.filter(({ name }) => name === 'e' || name === 'expression')
  if (given.length > 0) {
    return given.every(({ at }) => words[at]?.exact) ? given.map(({ value }) => value) : undefined
  }
  const first = words[read.operands[0] ?? -1]
  return first?.exact ? [first.value] : undefined
}

const ipObject =
  /^(?:a|ad|addr|address|l|link|r|ro|route|n|ne|neigh|neighbor|neighbour|ru|rule|maddr|maddress|mroute|netc|netconf|netns|tunnel|tun|tcp_metrics|tcpmetrics|stats|vrf|nexthop|ntable|addrlabel|monitor)$/
const ipVerb = /^(?:sh|sho|show|l|li|lis|list|ls|lst|g|ge|get|h|help)$/

function refuseIp(input: CheckInput): string | undefined {
  const [object, verb] = operandValues(input)
  if (object === undefined) return undefined
  if (!ipObject.test(object)) return `ip ${object} is not on the list of reading objects`
  return verb === undefined || ipVerb.test(verb) || object === 'monitor'
    ? undefined
    : `ip ${object} ${verb} does more than show`
}

function refuseTar({ words, read }: CheckInput): string | undefined {
  const bundle = words[1]?.value ?? ''
  const isBundle = !bundle.startsWith('-')
  if (isBundle && !/^[tvzjJaZf]*$/.test(bundle)) return `tar ${bundle} does more than list`
  const lists = isBundle ? bundle.includes('t') : read.options.has('t') || read.options.has('list')
  if (!lists) return 'tar without -t'
  // With `host:file` tar starts a remote shell; every operand and value is looked at, since the last -f wins.
  const isRemote = words.some(({ value }, at) => at > 0 && value.includes(':'))
  return isRemote ? 'an archive on another machine' : undefined
}
