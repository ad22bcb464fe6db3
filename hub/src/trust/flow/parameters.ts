const operation = /^\$\{(!?)(\w+)(?:(:?[-=+?])|(##?|%%?)|(\/[/#%]?)|(\^\^?|,,?)|(:))?(.*)\}$/s

/**
 * The value of `${…}` where it does not depend on when the command runs.
 *
 * @param read the value of a variable; undefined where it is not set, null where it is not known
 */
export function parameterValue(
  text: string,
  read: (name: string) => string | undefined | null,
): string | undefined {
  const found = operation.exec(text)
  if (!found) return undefined
  const [, indirect, name = '', fallback, cut, replace, letters, slice, rest = ''] = found
  let value = read(name)
  if (indirect === '!' && typeof value === 'string') value = read(value)
  if (fallback !== undefined) {
    // A variable that nothing in the command sets is most likely not set.
    const isSet = typeof value === 'string' && (value !== '' || !fallback.startsWith(':'))
    if (value === null) return undefined
    if (fallback.endsWith('+')) return isSet ? unquoted(rest) : ''
    return isSet ? (value ?? '') : fallback.endsWith('?') ? undefined : unquoted(rest)
  }
  if (typeof value !== 'string') return undefined
  if (cut !== undefined) return withoutEnd(value, rest, cut)
  if (replace !== undefined) {
    const [pattern, put] = splitOnce(rest)
    if (/[*?[\]]/.test(pattern) || pattern === '') return undefined
    return replace === '//' ? value.replaceAll(pattern, put) : value.replace(pattern, put)
  }
  if (letters !== undefined) return changeCase(value, letters)
  if (slice !== undefined) {
    const [from, length] = rest.split(':').map(Number)
    if (from === undefined || Number.isNaN(from)) return undefined
    const end = length === undefined ? undefined : length < 0 ? length : from + length
    return value.slice(from, end)
  }
  return value
}

function unquoted(text: string): string | undefined {
  if (/[$`]/.test(text)) return undefined
  return text.replaceAll(/["']|\\(?=.)/gs, '')
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('/')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function changeCase(value: string, letters: string): string {
  const change = (part: string): string =>
    letters.startsWith('^') ? part.toUpperCase() : part.toLowerCase()
  return letters.length === 2 ? change(value) : change(value.slice(0, 1)) + value.slice(1)
}

/** `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`. */
function withoutEnd(value: string, pattern: string, operator: string): string | undefined {
  const source = unquoted(pattern)
  if (source === undefined || value.length > 256 || source.split('*').length > 3) return undefined
  const matches = new RegExp(
    `^${source
      .replaceAll(/[.+^${}()|[\]\\/]/g, String.raw`\$&`)
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  )
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length)
  for (const length of operator.length === 2 ? lengths.toReversed() : lengths) {
    const isFront = operator.startsWith('#')
    const part = isFront ? value.slice(0, length) : value.slice(value.length - length)
    if (matches.test(part))
      return isFront ? value.slice(length) : value.slice(0, value.length - length)
  }
  return value
}
