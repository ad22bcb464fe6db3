import { Buffer } from 'node:buffer'

/** Decoders inside decoders that are followed. */
const mostRounds = 4
/** Characters of a decoded text. */
const longestText = 4096
const mostConstants = 16

const literal = String.raw`[rbufRBUF]{0,2}(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')`
/** Calls that only turn bytes into a text, or end the decoding call. */
const asText = String.raw`(?:\s{0,8}\.\s{0,8}(?:decode|toString|to_s|encode|force_encoding|unpack\w*|strip|trim|chomp|read)\b(?:\s{0,8}\([^()]*\))?|\s{0,8}\+\s{0,8}(?:""|''))*`

type Decoding = readonly [call: RegExp, decode: (text: string, call: string) => string | undefined]

const call = (names: string, rest = ''): RegExp =>
  new RegExp(
    String.raw`(?:[\w.]{1,12}(?:\(["']\w{1,16}["']\))?(?:\.|::))?\b(?:${names})\s{0,8}\(?\s{0,8}${literal}${rest}\s{0,8}\)?${asText}`,
    'gs',
  )
const method = (rest: string): RegExp => new RegExp(`${literal}${rest}`, 'gs')

/** The decoders of the languages, with their effect on a text. */
const decodings: readonly Decoding[] = [
  [
    call(
      String.raw`\w*b64decode|decode_base64|(?:strict_|urlsafe_)?decode64|base64_decode|atob|a2b_base64|decodebytes|decodestring`,
      String.raw`(?:\s{0,8},[^()]*)?`,
    ),
    (text) => bytes(text, 'base64'),
  ],
  [call(String.raw`fromhex|unhexlify|a2b_hex|hex2bin`), (text) => bytes(text, 'hex')],
  [
    call('from', String.raw`\s{0,8},\s{0,8}["'](?:base64|base64url|hex)["']`),
    (text, whole) => bytes(text, /["']hex["']\s{0,8}\)/.test(whole) ? 'hex' : 'base64'),
  ],
  [
    new RegExp(
      String.raw`\bpack\s{0,8}\(?\s{0,8}["']H\*?\d*["']\s{0,8},\s{0,8}${literal}\s{0,8}\)?`,
      'gs',
    ),
    (text) => bytes(text, 'hex'),
  ],
  [
    method(
      String.raw`\s{0,8}\.\s{0,8}unpack1?\s{0,8}\(?\s{0,8}["']m0?["']\s{0,8}\)?(?:\s{0,8}\[0\]|\s{0,8}\.\s{0,8}(?:first|join))?`,
    ),
    (text) => bytes(text, 'base64'),
  ],
  [
    new RegExp(
      String.raw`\[\s{0,8}${literal}\s{0,8}\]\s{0,8}\.\s{0,8}pack\s{0,8}\(?\s{0,8}["']H\*?["']\s{0,8}\)?`,
      'gs',
    ),
    (text) => bytes(text, 'hex'),
  ],
  [
    call(
      'decode|str_rot13',
      String.raw`(?:\s{0,8},\s{0,8}["'](?:rot_?13|hex|hex_codec|base64|base64_codec)["'])?`,
    ),
    (text, whole) =>
      /rot_?13/.test(whole)
        ? turned(text)
        : /["']hex/.test(whole)
          ? bytes(text, 'hex')
          : /["']base64/.test(whole)
            ? bytes(text, 'base64')
            : undefined,
  ],
  [
    method(
      String.raw`\s{0,8}(?:\[::-1\]|\.reverse\b|\.split\(["']{2}\)\.reverse\(\)\.join\(["']{2}\))`,
    ),
    (text) => Array.from(text).toReversed().join(''),
  ],
  [call('strrev|reverse'), (text) => Array.from(text).toReversed().join('')],
  [call('decodeURI(?:Component)?|unquote(?:_plus)?|urldecode|unescape|uri_unescape'), percent],
]
const numbers: readonly RegExp[] = [
  /\b(?:String\.fromCharCode|bytes|bytearray|Buffer\.from|Uint8Array\.from)\s{0,8}\(\s{0,8}\[?\s{0,8}((?:(?:0x)?[\da-fA-F]{1,3}\s{0,8},\s{0,8})+(?:0x)?[\da-fA-F]{1,3})\s{0,8}\]?\s{0,8}\)/g,
  /["']{2}\.join\s{0,8}\(\s{0,8}(?:map\s{0,8}\(\s{0,8}chr\s{0,8},|chr\s{0,8}\(\s{0,8}\w+\s{0,8}\)\s{0,8}for\s+\w+\s+in)\s{0,8}[[(]\s{0,8}((?:\d{1,3}\s{0,8},\s{0,8})+\d{1,3})\s{0,8}[\])]\s{0,8}\)*/g,
  /\[\s{0,8}((?:\d{1,3}\s{0,8},\s{0,8})+\d{1,3})\s{0,8}\]\s{0,8}\.\s{0,8}pack\s{0,8}\(?\s{0,8}["'][cCU]\*["']\s{0,8}\)?/g,
  /\bpack\s{0,8}\(?\s{0,8}["'][cCU]\*["']\s{0,8},\s{0,8}((?:\d{1,3}\s{0,8},\s{0,8})+\d{1,3})\s{0,8}\)?/g,
]
const character = /\bchr\s{0,8}\(\s{0,8}(\d{1,3})\s{0,8}\)/g

/**
 * Code with its texts as they are at run time: decoded, reversed, spelled by numbers or taken from
 * a constant. Computes on texts of a bounded length and runs nothing.
 */
export function withDecodedTexts(source: string): string {
  let code = withConstants(source.replaceAll(/\\x([\da-fA-F]{2})|\\u00([\da-fA-F]{2})/g, spelled))
  if (
    !/decode|64|hex|pack|from|chr|atob|rot|revers|unquote|escape|strrev|\[::-1\]|bytes/i.test(code)
  )
    return code
  for (let round = 0; round < mostRounds; round += 1) {
    const before = code
    for (const [pattern, decode] of decodings)
      code = code.replaceAll(pattern, (whole: string, ...groups: unknown[]) => {
        const text = groups.find((group): group is string => typeof group === 'string') ?? ''
        const made = text.length > longestText ? undefined : decode(text, whole)
        return made === undefined ? whole : quoted(made)
      })
    for (const pattern of numbers)
      code = code.replaceAll(pattern, (_, list: string) =>
        quoted(String.fromCharCode(...list.split(',').map(Number))),
      )
    code = code.replaceAll(character, (_, number: string) =>
      quoted(String.fromCharCode(Number(number))),
    )
    if (code === before) break
  }
  return code
}

/** `x = 'text'` before it is used, where nothing else is called so. */
function withConstants(code: string): string {
  const constants = new Map<string, string>()
  const assigned =
    /(?:^|[;\n{(]|\b(?:my|our|let|const|var)\s)\s{0,8}([$@]?[A-Za-z_]\w*)\s{0,8}=\s{0,8}("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?=\s{0,8}(?:[;\n)]|$))/g
  for (const [, name = '', text = ''] of code.matchAll(assigned)) {
    if (constants.size >= mostConstants || constants.has(name)) break
    constants.set(name, text)
  }
  if (constants.size === 0) return code
  return code.replaceAll(
    /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<![\w.$@])[$@]?[A-Za-z_]\w*(?!\w|\s{0,8}=(?!=)|\s{0,8}\()/g,
    (word: string) => constants.get(word) ?? word,
  )
}

function spelled(whole: string, one?: string, other?: string): string {
  const char = String.fromCharCode(Number.parseInt(one ?? other ?? '0', 16))
  return /[\w /.:;|&~*$<>=@,+-]/.test(char) ? char : whole
}

function bytes(text: string, encoding: 'base64' | 'hex'): string | undefined {
  const clean = text.replaceAll(/\s|\\n/g, '')
  if (!(encoding === 'hex' ? /^(?:[\da-fA-F]{2})+$/ : /^[\w+/-]{2,}={0,2}$/).test(clean))
    return undefined
  const made = Buffer.from(clean, encoding).toString('utf8')
  return /^[\t\n\r\u0020-\u{10ffff}]+$/u.test(made) && !made.includes('\u{fffd}') ? made : undefined
}

function turned(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })
}

function percent(text: string): string | undefined {
  try {
    return text.includes('%') ? decodeURIComponent(text) : undefined
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
