import { programSecrets } from './program-secrets.ts'
import { named, noValue, quotedOrBare, type SecretPattern } from './secret-value.ts'

const inAddress = /:\/\//
/** Part of every name that `isSecretName` accepts. */
const ofSecretName = /pass|pw|secret|token|key|auth|cred|bearer|connectionstring/i

/**
 * Patterns of credentials. All are linear: no two adjacent repetitions match the same characters,
 * and lengths are bounded where possible.
 */
export const secretPatterns: readonly SecretPattern[] = [
  ...programSecrets,
  {
    id: 'private-key',
    hint: /PRIVATE KEY/,
    pattern:
      /(?<secret>-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\:,.-]{0,16384}?(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$))/g,
  },
  {
    id: 'known-token',
    hint: /AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox|xapp-|AIza|ya29|sk-|[srp]k_|whsec|npm_|pypi-|hf_|SG\.|hv[sbr]\.|dop_v1_|shpat_|dapi|glsa_|lin_api_|nvapi-|r8_|AGE-SECRET-KEY|S[ACNOU][A-Z2-7]{56}/,
    pattern:
      /(?<![A-Za-z0-9_])(?<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{40,255}|gl(?:pat|ptt|cbt|rt|dt|ft|imt|agent|oas|soat)-[\w-]{20,255}|xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\d-[A-Za-z0-9-]{10,255}|AIza[\w-]{35}|ya29\.[\w-]{20,512}|sk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{20,255}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9]{16,255}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{40,1024}|hf_[A-Za-z0-9]{30,64}|SG\.[\w-]{16,64}\.[\w-]{16,64}|hv[sbr]\.[\w-]{20,512}|dop_v1_[a-f0-9]{64}|shpat_[a-f0-9]{32}|dapi[a-f0-9]{32}|glsa_[\w]{32,64}|lin_api_[A-Za-z0-9]{30,64}|nvapi-[\w-]{40,128}|r8_[A-Za-z0-9]{30,64}|AGE-SECRET-KEY-1[A-Z0-9]{50,64}|S[ACNOU][A-Z2-7]{56})(?![A-Za-z0-9])/g,
  },
  {
    id: 'jwt',
    hint: /eyJ/,
    pattern: /(?<![\w.-])(?<secret>eyJ[\w-]{8,4096}\.eyJ[\w-]{4,8192}\.[\w-]{4,1024})/g,
  },
  {
    id: 'telegram',
    hint: /:AA/,
    pattern: /(?<![\w:])(?<secret>\d{8,10}:AA[\w-]{32,35})(?![\w-])/g,
  },
  {
    id: 'url-password',
    hint: inAddress,
    pattern:
      /[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^\s:/@'"<>[\]]{0,256}:(?!\$[\w({]|\*{3,}@)(?<secret>[^\s@/'"<>]{1,1024})@(?=[\w.[-])/g,
  },
  {
    id: 'url-token',
    hint: inAddress,
    // a token alone before the host, as git accepts it
    pattern: /https?:\/\/(?!\$)(?<secret>[A-Za-z0-9_-]{20,512})@(?=[\w.[-])/g,
  },
  {
    id: 'url-parameter',
    hint: /token|key|auth|pass|secret|sig=|signature=/i,
    pattern:
      /[?&](?:access_token|api[_-]?key|apikey|auth|key|password|passwd|secret|client_secret|sig|signature|token|x-amz-signature|x-amz-security-token|x-goog-signature)=(?!\$[\w({])(?<secret>[^\s&#'"<>]{4,4096})/gi,
  },
  {
    id: 'authorization',
    hint: /authorization/i,
    pattern:
      /\b(?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,3}|(?!(?:bearer|basic|token|digest|negotiate|apikey)\s))(?!\$[\w({])(?<secret>[^\s'",;]{4,4096})/gi,
  },
  {
    id: 'bearer',
    hint: /bearer/i,
    pattern: /\bbearer\s{1,3}(?!\$[\w({])(?<secret>[A-Za-z0-9._~+/=-]{16,4096})/gi,
  },
  {
    id: 'header',
    hint: /token|key|cookie/i,
    pattern:
      /\b(?:x-(?:api-key|auth-token|access-token|vault-token|amz-security-token|goog-api-key|gitlab-token)|private-token|api-key|set-cookie|cookie)["']?\s{0,3}:\s{0,3}["']?(?!\$[\w({])(?<secret>[^\s'"]{4,4096})/gi,
  },
  {
    id: 'named-value',
    hint: ofSecretName,
    isNamed: true,
    // a lookahead, since the value may contain another name and value
    pattern: named(
      String.raw`(?<![A-Za-z0-9_.-])(?!PASS: )(?<name>-{0,2}[A-Za-z_][A-Za-z0-9_.-]{0,80})["']?(?:\s{0,2}=\s{0,2}|:\s{1,4}|(?<=["']):)(?=${noValue}${quotedOrBare})`,
    ),
  },
  {
    id: 'flag-value',
    hint: ofSecretName,
    isNamed: true,
    pattern: named(
      String.raw`(?<=\s|^)(?<name>--?[A-Za-z][A-Za-z0-9_-]{0,80})[ \t]{1,4}(?!-)(?=${noValue}${quotedOrBare})`,
    ),
  },
  {
    id: 'user-and-password',
    hint: /-[uUa]|-proxy-user|creds/,
    also: /:/,
    // curl -u user:password and similar
    pattern:
      /\b(?:curl|wget|http|https|xh|smbclient|rpcclient|etcdctl|ab|hey|siege|skopeo|podman|buildah|oras|crane|aria2c|elasticsearch|opensearch|nats)\b[^\n;|&]{0,2000}?\s(?:-u|-U|--user|--proxy-user|-a|--auth|-A|--(?:src-|dest-)?creds)[ =]{0,4}["']?[^\s:'"/]{1,256}:(?!\$[\w({]|\d{1,5}(?![\w.])|\/\/)(?<secret>[^\s'"]{1,1024})/g,
  },
  {
    id: 'key-assignment',
    hint: /_KEY=|_PAT=|_PIN=|_AUTH=|_SALT=/,
    // OPENAI_KEY=…: for names that may be harmless, a value that does not look like a word
    pattern: named(
      String.raw`(?<![A-Za-z0-9_.-])(?!\w{0,60}(?:CACHE|SORT|PRIMARY|PARTITION|FOREIGN|PUBLIC|ROW|GROUP|INDEX|REGISTRY|SEARCH|HOST|IDEMPOTENCY|MAP|OBJECT|S3|ROUTING|LOOKUP|UNIQUE|CONFIG)_KEY=)[A-Z][A-Z0-9_]{0,80}_(?:KEY|PAT|PIN|AUTH|SALT)=["']?(?=[^\s"';|&]{0,400}\d)(?![./~$])(?<secret>[A-Za-z0-9+/_=.:-]{4,4096})`,
    ),
  },
  {
    id: 'azure-key',
    hint: /AccountKey|SharedAccess/,
    pattern:
      /\b(?:AccountKey|SharedAccessKey|SharedAccessSignature)=(?<secret>[A-Za-z0-9+/=%&_-]{16,1024})/g,
  },
  {
    id: 'netrc',
    hint: /login/,
    pattern: /\blogin\s{1,4}\S{1,256}\s{1,8}password\s{1,4}(?!\$)(?<secret>\S{1,512})/g,
  },
]

const secretEnd =
  /(?:passw(?:or)?d|passphrase|passcode|secret|token|(?:api|auth|access|secret|private)key|(?:store|key|src|dest|new|old|user|db|root|admin)pass|credentials?|connectionstring)$/
const keyKinds = new Set(
  'api access secret private signing encryption encrypt auth master account shared service license deploy ssh gpg'.split(
    ' ',
  ),
)
/** Suffixes after the word for a secret in a name that is still secret. */
const afterSecret =
  /^(?:prod|production|dev|test|staging|live|value|old|new|base64|b64|key|[0-9]{1,3})$/
const counting = new Set('max min num n count limit per total'.split(' '))

/**
 * Whether a name denotes a secret, whatever its value: `DB_PASSWORD`, `--api-key`, `clientSecret`.
 */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  while (words.length > 1 && afterSecret.test(words.at(-1) ?? '') && !isKey(words)) words.pop()
  const last = words.at(-1) ?? ''
  if (words.some((word) => counting.has(word)) || words[0] === 'no') return false
  if (secretEnd.test(last) || isKey(words)) return true
  if (last === 'pass' || last === 'pw' || last === 'bearer') return true
  // PWD alone is the working directory; `_auth` belongs to npm
  return (last === 'pwd' && words.length > 1) || /^_auth$/.test(name)
}

function isKey(words: readonly string[]): boolean {
  return /^keys?$/.test(words.at(-1) ?? '') && keyKinds.has(words.at(-2) ?? '')
}

/** A text without any of these contains nothing that a pattern finds, and need not be searched. */
export const hint = joined(secretPatterns.map((one) => one.hint))
/** The same for the patterns of known programs. */
export const programHint = joined(programSecrets.map((one) => one.hint))

/**
 * One combined pattern, twice as fast as plain alternatives: grouped by first letter, and without
 * alternatives contained in others.
 */
function joined(hints: readonly RegExp[]): RegExp {
  const all = new Set(hints.flatMap(({ source }) => source.toLowerCase().split('|')))
  const plain = [...all].filter((text) => !/[[\\.{]/.test(text))
  const needed = [...all].filter(
    (text) => !plain.some((other) => other !== text && text.includes(other)),
  )
  const byLetter = Map.groupBy(needed, (text) => (/^[\w:-]/.test(text) ? text.slice(0, 1) : ''))
  const parts = [...byLetter].map(([letter, texts]) =>
    letter === ''
      ? texts.join('|')
      : `${letter}(?:${texts.map((text) => text.slice(1)).join('|')})`,
  )
  return new RegExp(parts.join('|'), 'i')
}
