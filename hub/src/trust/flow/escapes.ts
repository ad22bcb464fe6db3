const named: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

/** A text with the backslash escapes of printf and `echo -e` taken for what they stand for. */
export function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|(0?[0-7]{1,3})|(.))/gs,
    (whole, hex, short, long, octal, letter) => {
      const digits = (hex ?? short ?? long) as string | undefined
      if (digits !== undefined) return character(Number.parseInt(digits, 16))
      if (octal !== undefined) return character(Number.parseInt(octal as string, 8) & 255)
      return named[letter as string] ?? whole
    },
  )
}

function character(code: number): string {
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : ''
}

/** The output of `echo` for its arguments. */
export function echoed(args: readonly string[]): string {
  let at = 0
  let isRaw = true
  let end = '\n'
  for (; at < args.length; at += 1) {
    const letters = /^-([neE]+)$/.exec(args[at] ?? '')?.[1]
    if (letters === undefined) break
    for (const letter of letters) {
      if (letter === 'n') end = ''
      else isRaw = letter === 'E'
    }
  }
  const text = args.slice(at).join(' ')
  return (isRaw ? text : unescaped(text)) + end
}

const conversion = /%(?:%|[-+ #0]*\d*(?:\.\d*)?([sbqdiucxXo]))/g
/** Rounds of a format over its arguments. */
const mostRounds = 64

/** The output of `printf`; undefined for an unsupported format. */
export function printed(format: string, args: readonly string[]): string | undefined {
  if (/%[-+ #0]*(?:\*|\d{4})|%\(/.test(format)) return undefined
  const count = [...format.matchAll(conversion)].filter(([text]) => text !== '%%').length
  const rounds = count === 0 ? 1 : Math.min(Math.ceil(args.length / count) || 1, mostRounds)
  let at = 0
  const put = (whole: string, letter?: string): string => {
    if (whole === '%%') return '%'
    const argument = args[at] ?? ''
    at += 1
    if (letter === 'b') return unescaped(argument)
    if (letter === 'c') return argument.slice(0, 1)
    if (letter === 'x') return Number(argument).toString(16)
    return letter === 'o' ? Number(argument).toString(8) : argument
  }
  let text = ''
  for (let round = 0; round < rounds; round += 1)
    text += unescaped(format).replaceAll(conversion, put)
  return text
}
