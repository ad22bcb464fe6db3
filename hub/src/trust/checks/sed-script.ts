const noArgument = new Set('=dDgGhHnNpPxzF')
const numberArgument = new Set('qQlL')
const labelArgument = new Set('btT:')
const textArgument = new Set('aic')

/**
 * Why a sed script is more than printing and substituting, or undefined.
 * Knows GNU sed's grammar; whatever it does not know is a reason.
 */
export function refuseSedScript(script: string): string | undefined {
  let at = 0
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const match = pattern.exec(script)?.[0] ?? ''
    at += match.length
    return match
  }
  while (at < script.length) {
    skip(/[\s;{}]*/y)
    if (at >= script.length) return undefined
    const address = skipAddresses(script, at)
    if (address === undefined) return 'a sed address that is not understood'
    at = address
    skip(/[\s!]*/y)
    const command = script[at] ?? ''
    at += 1
    if (command === '{' || command === '}') continue
    if (command === '#') skip(/[^\n]*/y)
    else if (noArgument.has(command)) skip(/[ \t]*/y)
    else if (numberArgument.has(command)) skip(/[ \t]*\d*/y)
    else if (labelArgument.has(command)) skip(/[^\n;}]*/y)
    else if (textArgument.has(command)) skip(/(?:\\[\s\S]|[^\\\n])*/y)
    else if (command === 's' || command === 'y') {
      const end = skipSubstitution(script, at)
      if (end === undefined) return 'a sed substitution that is not understood'
      at = end
      if (command === 's') {
        const flags = skip(/[A-Za-z0-9]*/y)
        if (!/^[gpiIMm0-9]*$/.test(flags))
          return `sed flag "${flags}" can run a program or write a file`
      }
      skip(/[ \t]*/y)
    } else return `sed command "${command}" can run a program, or read or write a file`
    if (at < script.length && !/[\s;}#]/.test(script[at] ?? '')) {
      return 'a sed command that is not understood'
    }
  }
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

function skipSubstitution(script: string, start: number): number | undefined {
  const delimiter = script[start]
  const middle = skipDelimited(script, start + 1, delimiter)
  return middle === undefined ? undefined : skipDelimited(script, middle, delimiter)
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
