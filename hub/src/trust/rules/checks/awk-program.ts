import { looksOutside, refuseAwkCode } from './awk-code.ts'

/** Slashes whose meaning is open, tried both ways; more are an attempt to tire the judge. */
const mostForks = 6
/** Characters before a slash that tell what it is. */
const longestTail = 64

/** The meaning of a slash, by its predecessor. */
type Slash = 'pattern' | 'division' | 'either'

const openKeyword = /(?:^|[^\w])(?:print|printf|return|else|do|exit)$/
/** Words that some awks take for keywords and others for names, and functions that need no parentheses. */
const openWord =
  /(?:^|[^\w])(?:in|case|default|delete|length|switch|next|nextfile|func|function|BEGIN|END|BEGINFILE|ENDFILE)$/
const operatorEnd = /[{};\n(,!~&|=<>?:+\-*%^]$/
const operandEnd = /[\w\]$"]$/

/**
 * Why an awk program is more than computing and printing, or undefined: it runs programs, opens files, reads the
 * environment, or writes. A slash that can begin a pattern or divide is read both ways, and both readings must be
 * harmless. Inside a print statement every `>` counts as writing.
 */
export function refuseAwkProgram(program: string): string | undefined {
  const reading = { forks: 0 }
  const refusal = readFrom(program, 0, '', reading)
  return refusal === impossible ? 'an awk program that is not understood' : refusal
}

/** A reading that no awk accepts: something in it has no end. */
const impossible = 'impossible'

/** Reads on from a place, with the code before it, where strings and patterns are taken out. */
function readFrom(
  program: string,
  start: number,
  before: string,
  reading: { forks: number },
): string | undefined {
  const code: string[] = [before]
  let at = start
  while (at < program.length) {
    const char = program[at] ?? ''
    if (char === '"') {
      const end = endOfString(program, at)
      if (end === undefined) return impossible
      code.push('""')
      at = end
    } else if (char === '#') {
      const end = program.indexOf('\n', at)
      at = end < 0 ? program.length : end
    } else if (char === '\\') {
      return 'a backslash in an awk program'
    } else if (char === '/') {
      const slash = slashAfter(tailOf(code))
      if (slash !== 'division') {
        const end = endOfPattern(program, at)
        if (end === 'open') return 'an awk pattern that awks read differently'
        if (end !== undefined && looksOutside(program.slice(at + 1, end - 1)))
          return 'an awk pattern that could be read as code'
        if (slash === 'pattern') {
          if (end === undefined) return impossible
          code.push('0')
          at = end
          continue
        }
        reading.forks += 1
        if (reading.forks > mostForks) return 'an awk program that can be read in too many ways'
        const refusal =
          end === undefined ? impossible : readFrom(program, end, `${code.join('')}0`, reading)
        if (refusal !== undefined && refusal !== impossible) return refusal
      }
      code.push('/')
      at += 1
    } else {
      code.push(char)
      at += 1
    }
  }
  return refuseAwkCode(code.join(''))
}

/** The end of the code that was read so far. */
function tailOf(code: readonly string[]): string {
  let tail = ''
  for (let at = code.length - 1; at >= 0 && tail.length < longestTail; at -= 1)
    tail = (code[at] ?? '').slice(-longestTail) + tail
  return tail
}

function slashAfter(code: string): Slash {
  const before = code.replace(/[ \t]+$/, '')
  if (before === '' || openKeyword.test(before)) return 'pattern'
  if (/(?:\+\+|--|\))$/.test(before) || openWord.test(before)) return 'either'
  if (operandEnd.test(before)) return 'division'
  return operatorEnd.test(before) ? 'pattern' : 'either'
}

function endOfString(program: string, start: number): number | undefined {
  for (let at = start + 1; at < program.length; at += 1) {
    if (program[at] === '\\') at += 1
    else if (program[at] === '"') return at + 1
    else if (program[at] === '\n') return undefined
  }
  return undefined
}

/** The index after a pattern; `open` where a slash in brackets ends it for some awks and not for others. */
function endOfPattern(program: string, start: number): number | 'open' | undefined {
  let inClass = false
  for (let at = start + 1; at < program.length; at += 1) {
    const char = program[at]
    if (char === '\\') at += 1
    else if (char === '\n') return undefined
    else if (inClass) inClass = char !== ']'
    else if (char === '[') {
      const close = program.indexOf(']', at + 2)
      if (close < 0) continue
      if (program.slice(at + 1, close).includes('/')) return 'open'
      inClass = true
      // A bracket that comes first is a member.
      if (/^\[\^?\]/.test(program.slice(at, at + 3))) at = program.indexOf(']', at)
    } else if (char === '/') return at + 1
  }
  return undefined
}
