import { Buffer } from 'node:buffer'
import { printed, unescaped } from './escapes.ts'
import { environment } from './sinks.ts'
import type { Value } from './value.ts'
import { hidden, known } from './value.ts'

/** Programs that pass lines on in another order or number, but all of what they are given. */
const carriers = new Set(
  `cat tac sort shuf tee uniq nl column pv stdbuf unbuffer sponge dd tail head xargs awk gawk mawk sed tr cut paste fmt fold rev grep egrep
  fgrep rg buffer mbuffer less more iconv expand unexpand dos2unix sem`.split(/\s+/),
)
const greps = new Set(['grep', 'egrep', 'fgrep', 'rg'])

/**
 * The output of a filter for its input: the same listing, or the same text where the filter is
 * computed.
 *
 * @param operands the arguments that are no options
 */
export function filtered(
  program: string,
  args: readonly string[],
  operands: readonly string[],
  input: Value,
): Value {
  const text =
    input.text === undefined ? undefined : textThrough(program, args, operands, input.text)
  if (text !== undefined) return { ...input, ...pick(known(text)) }
  if (!carriers.has(program)) return hidden(input)
  const isCut = greps.has(program) && !passesAll(args, operands)
  const isPart =
    isCut ||
    ((program === 'head' || program === 'tail') && /^-(?:n|c)?[1-9]\d?$/.test(args.join('')))
  const lists = isPart
    ? input.lists.map((list) => ({
        ...list,
        isWhole: false,
        names: [...list.names, ...(isCut ? operands.slice(0, 1) : [])],
      }))
    : input.lists
  const secrets =
    isCut && !huntsVariables.test(operands[0] ?? '')
      ? input.secrets.filter((one) => one !== environment)
      : input.secrets
  return { ...input, text: undefined, lists, secrets }
}

const huntsVariables = /key|token|secret|pass|cred|auth|aws|\./i

function pick({ text }: Value): Pick<Value, 'text'> {
  return { text }
}

/** `grep -v x` and `grep .` let (nearly) all through. */
function passesAll(args: readonly string[], operands: readonly string[]): boolean {
  return (
    args.some((arg) => /^-[a-zA-Z]*v/.test(arg) || arg === '--invert-match') ||
    /^(?:[.^$*/]*|\^?\/|\[0-9\]\+?|\\d\+?)$/.test(operands[0] ?? '')
  )
}

function textThrough(
  program: string,
  args: readonly string[],
  operands: readonly string[],
  text: string,
): string | undefined {
  const has = (pattern: RegExp): boolean => args.some((arg) => pattern.test(arg))
  switch (program) {
    case 'cat':
    case 'tee':
    case 'pv':
    case 'sponge':
    case 'head':
    case 'tail':
    case 'uniq':
    case 'sort':
    case 'nl':
    case 'buffer':
    case 'fmt':
    case 'column':
    case 'stdbuf':
      return text
    case 'tac':
      return text.split('\n').toReversed().join('\n').trimStart()
    case 'rev':
      return text
        .split('\n')
        .map((line) => Array.from(line).toReversed().join(''))
        .join('\n')
    case 'base64':
      return has(/^-(?:d|D|-d)/) ? decoded(text, 'base64') : Buffer.from(text).toString('base64')
    case 'openssl':
      return has(/^-d$/) && has(/^-?(?:base64|a)$/) ? decoded(text, 'base64') : undefined
    case 'base32':
      return has(/^-(?:d|-d)/) ? fromBase32(text) : undefined
    case 'xxd':
      return has(/^-[a-z]*r/) ? decoded(text.replaceAll(/\s/g, ''), 'hex') : undefined
    case 'tr':
      return translated(args, text)
    case 'sed':
      return substituted(operands.length === 1 ? (operands[0] ?? '') : '', text)
    case 'grep':
    case 'egrep':
    case 'fgrep':
      return passesAll(args, operands) ? text : undefined
    case 'xargs':
      return operands.length === 0 || operands.at(-1) === 'echo' ? text : undefined
    case 'cut': {
      const range = /^-c\s*(\d+)-(\d*)$/.exec(args.join(' '))
      if (!range) return undefined
      return text
        .split('\n')
        .map((line) => line.slice(Number(range[1]) - 1, Number(range[2] || line.length)))
        .join('\n')
    }
    case 'awk':
    case 'gawk':
    case 'mawk':
      return /^\{\s*print(?:\s+\$0)?;?\s*\}$|^1$/.test(operands[0] ?? '') ? text : undefined
    default:
      return undefined
  }
}

function decoded(text: string, encoding: 'base64' | 'hex'): string | undefined {
  const clean = text.trim()
  if (!(encoding === 'hex' ? /^[\da-fA-F]*$/ : /^[\w+/=\s-]*$/).test(clean)) return undefined
  return Buffer.from(clean, encoding).toString('utf8')
}

function fromBase32(text: string): string | undefined {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let bits = ''
  for (const char of text.trim().replaceAll(/[=\s]/g, '')) {
    const index = letters.indexOf(char)
    if (index < 0) return undefined
    bits += index.toString(2).padStart(5, '0')
  }
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []).toString(
    'utf8',
  )
}

/** `tr SET SET` and `tr -d SET`. */
function translated(args: readonly string[], text: string): string | undefined {
  const sets = args.filter((arg) => !/^-[a-zA-Z]+$/.test(arg)).map(expandedSet)
  const [from, to] = sets
  if (from === undefined) return undefined
  const chars = Array.from(from)
  if (args.some((arg) => /^-[a-zA-Z]*d/.test(arg)))
    return Array.from(text)
      .filter((char) => !chars.includes(char))
      .join('')
  if (args.some((arg) => /^-[a-zA-Z]*[cC]/.test(arg)) || to === undefined) return undefined
  const targets = Array.from(to)
  return Array.from(text)
    .map((char) => {
      const at = chars.lastIndexOf(char)
      return at < 0 ? char : (targets[Math.min(at, targets.length - 1)] ?? char)
    })
    .join('')
}

function expandedSet(set: string): string {
  const classes: Readonly<Record<string, string>> = {
    lower: 'a-z',
    upper: 'A-Z',
    digit: '0-9',
    space: ' \t\n',
    blank: ' \t',
  }
  return unescaped(
    set.replaceAll(/\[:(\w+):\]/g, (whole, name) => classes[name as string] ?? whole),
  ).replaceAll(/(.)-(.)/gs, (whole, first, last) => {
    const [from, to] = [(first as string).charCodeAt(0), (last as string).charCodeAt(0)]
    if (to < from || to - from > 256) return whole
    return Array.from({ length: to - from + 1 }, (_, index) =>
      String.fromCharCode(from + index),
    ).join('')
  })
}

/** `sed s/a/b/g` with plain texts. */
function substituted(script: string, text: string): string | undefined {
  const found = /^s(.)((?:(?!\1)[\w /.~-])*)\1((?:(?!\1)[\w /.~-])*)\1(g?)$/.exec(script)
  if (!found) return undefined
  const [, , from = '', to = '', all] = found
  if (from === '' || from.includes('.')) return undefined
  return text
    .split('\n')
    .map((line) => (all === 'g' ? line.replaceAll(from, to) : line.replace(from, to)))
    .join('\n')
}

/** A program's own output, where it never varies. */
export function constantOutput(
  program: string,
  args: readonly string[],
  cwd: string | undefined,
): string | undefined {
  switch (program) {
    case 'printf': {
      const from = args[0] === '--' ? 1 : 0
      return args[0] === '-v' ? '' : printed(args[from] ?? '', args.slice(from + 1))
    }
    case 'pwd':
      return cwd
    case 'basename': {
      const name = (args[0] ?? '').replace(/(?<=.)\/+$/, '')
      return name.slice(name.lastIndexOf('/') + 1) || '/'
    }
    case 'dirname': {
      const path = args.at(-1) ?? ''
      const slash = path.lastIndexOf('/')
      return slash < 0 ? '.' : path.slice(0, slash) || '/'
    }
    case 'realpath':
    case 'readlink':
      return args.at(-1)?.startsWith('/') === true ? args.at(-1) : undefined
    case 'seq':
      return undefined
    default:
      return undefined
  }
}
