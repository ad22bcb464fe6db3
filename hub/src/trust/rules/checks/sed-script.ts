/** Commands that take nothing. */
const noArgument = new Set('=dDgGhHnNpPxzF')
const numberArgument = new Set('qQlL')
const labelArgument = new Set('btT')
const textArgument = new Set('aic')

/** The reading position in a script. */
interface Reader {
  readonly script: string
  at: number
}

/**
 * Why a sed script is more than printing and substituting, or undefined.
 * Knows GNU sed's grammar, and refuses what another sed, or another release, reads otherwise: where a label ends at a
 * blank, where text follows `a` on the same line, where a brace stands behind a name.
 */
export function refuseSedScript(script: string): string | undefined {
  const reader: Reader = { script, at: 0 }
  while (reader.at < script.length) {
    skip(reader, /[\s;]*/y)
    if (reader.at >= script.length) return undefined
    const address = skipAddresses(script, reader.at)
    if (address === undefined) return 'a sed address that is not understood'
    reader.at = address
    skip(reader, /[\s!]*/y)
    const refusal = refuseCommand(reader)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function refuseCommand(reader: Reader): string | undefined {
  const { script } = reader
  const command = script[reader.at] ?? ''
  reader.at += 1
  if (command === '{' || command === '}') return undefined
  if (command === '#') {
    skip(reader, /[^\n]*/y)
    return undefined
  }
  if (command === ':' || labelArgument.has(command)) return skipLabel(reader, command)
  if (textArgument.has(command)) return skipText(reader)
  if (noArgument.has(command)) skip(reader, /[ \t]*/y)
  else if (numberArgument.has(command)) skip(reader, /[ \t]*\d*[ \t]*/y)
  else if (command === 's' || command === 'y') {
    const refusal = skipSubstitution(reader, command)
    if (refusal !== undefined) return refusal
  } else return `sed command "${command}" can run a program, or read or write a file`
  const next = script[reader.at]
  return next === undefined || /[\n;}#]/.test(next)
    ? undefined
    : 'a sed command that is not understood'
}

function skip(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at
  const match = pattern.exec(reader.script)?.[0] ?? ''
  reader.at += match.length
  return match
}

/** One sed ends a label at a blank or a semicolon and reads commands behind it, another takes the rest of the line. */
function skipLabel(reader: Reader, command: string): string | undefined {
  skip(reader, /[ \t]*/y)
  const label = skip(reader, /[^\s;{}]*/y)
  if (command === ':' && label === '') return 'a sed label without a name'
  const rest = skip(reader, /[^\n]*/y)
  if (/^[ \t]*$/.test(rest)) return undefined
  // The rest is read as commands; as a part of the label it would do nothing.
  if (!/^[ \t]*[;}]/.test(rest))
    return 'a sed label with a blank in it, which seds read differently'
  reader.at -= rest.length
  skip(reader, /[ \t]*/y)
  return undefined
}

/** The text of `a`, `i`, `c` up to the end of its last line; a backslash takes the next line in. */
function skipText(reader: Reader): string | undefined {
  const text = skip(reader, /(?:\\[\s\S]|[^\\\n])*/y)
  // `a\` at the end of a fragment takes the next one as its text, and `}` ends nothing here.
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(text) ? 'a sed text without its end' : undefined
}

function skipSubstitution(reader: Reader, command: string): string | undefined {
  const delimiter = reader.script[reader.at]
  const middle = skipDelimited(reader.script, reader.at + 1, delimiter)
  const end = middle === undefined ? undefined : skipDelimited(reader.script, middle, delimiter)
  if (end === undefined) return 'a sed substitution that is not understood'
  reader.at = end
  if (command === 's') {
    const flags = skip(reader, /[A-Za-z0-9]*/y)
    if (!/^[gpiIMm0-9]*$/.test(flags))
      return `sed flag "${flags}" can run a program or write a file`
  }
  skip(reader, /[ \t]*/y)
  return undefined
}
function skipAddresses(script: string, start: number): number | undefined {
  let at = start
  for (let count = 0; count < 2; count += 1) {
    const number = /[ \t]*(?:\d+(?:~\d+)?|\$|[+~]\d+)/y
    number.lastIndex = at
    const match = number.exec(script)?.[0]
    if (match !== undefined) at += match.length
    else {
      const blank = /[ \t]*/y
      blank.lastIndex = at
      const from = at + (blank.exec(script)?.[0].length ?? 0)
      const opener = script[from]
      if (opener !== '/' && opener !== '\\') return count === 0 ? at : undefined
      const delimiter = opener === '/' ? '/' : script[from + 1]
      const end = skipDelimited(script, from + (opener === '/' ? 1 : 2), delimiter)
      if (end === undefined) return undefined
      at = end
      while (script[at] === 'I' || script[at] === 'M') at += 1
    }
    const comma = /[ \t]*,/y
    comma.lastIndex = at
    const separator = comma.exec(script)?.[0]
    if (separator === undefined) return at
    if (count === 1) return undefined
    at += separator.length
  }
  return at
}

/** The index after the next unescaped delimiter. A delimiter inside brackets is read differently by different seds. */
function skipDelimited(
  script: string,
  start: number,
  delimiter: string | undefined,
): number | undefined {
  if (delimiter === undefined || /[\s\\A-Za-z0-9]/.test(delimiter)) return undefined
  let bracket = -1
  for (let at = start; at < script.length; at += 1) {
    const char = script[at]
    if (char === '\\') at += 1
    else if (char === '[' && bracket < 0) bracket = at
    else if (
      char === ']' &&
      bracket >= 0 &&
      at > bracket + 1 &&
      !/^\[\^$/.test(script.slice(bracket, at))
    )
      bracket = -1
    else if (char === delimiter) {
      const hidden = bracket >= 0 && script.indexOf(']', at) >= 0
      return hidden ? undefined : at + 1
    }
  }
  return undefined
}
