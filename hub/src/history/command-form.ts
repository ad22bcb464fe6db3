import type { TaskCategory } from '@centralpost/shared'

/** A command in normalised form, and the parameters removed from it. */
export interface CommandForm {
  /** such as `pip install {package}` */
  readonly form: string
  readonly program: string
  readonly category: TaskCategory
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
}

const mostWords = 200
const longestForm = 300

/** Programs whose first operand is a subcommand. */
const withSubcommands = new Set(
  `git pip pip3 pipx uv npm pnpm yarn npx docker podman kubectl helm cargo go make just task poetry conda mamba apt
  apt-get brew apk dnf yum systemctl service terraform gh dotnet mvn gradle composer bundle rails rake cmake ninja aws
  gcloud az nats openssl tox nox hatch pre-commit alembic flask django-admin celery systemd-analyze journalctl ip
  rustup pyenv nvm volta corepack bun deno gem mix flutter dart swift jj hg svn vagrant ansible minikube kind`.split(
    /\s+/,
  ),
)
const installing = new Set([
  'install',
  'add',
  'remove',
  'uninstall',
  'i',
  'upgrade',
  'update',
  'get',
])

const categories: readonly (readonly [TaskCategory, RegExp])[] = [
  [
    'environment',
    /^(python3? -m venv|virtualenv|conda|mamba|pyenv|nvm|source|\. |export|direnv|uv venv)/,
  ],
  [
    'packages',
    /^(pip|pip3|pipx|uv|npm (i|install|ci|add|update|uninstall)|pnpm|yarn|apt|apt-get|brew|apk|dnf|yum|poetry|gem|bundle|composer|cargo add|python3? -m pip)\b/,
  ],
  [
    'test',
    /\b(pytest|jest|vitest|unittest|tox|nox|rspec|phpunit|ctest)\b|^(npm|yarn|pnpm|make|cargo|go|mvn|gradle|dotnet)( run)? test/,
  ],
  [
    'build',
    /^(make|cmake|ninja|cargo|go build|mvn|gradle|tsc|gcc|g\+\+|clang|npm run build|npm run|yarn build|dotnet build|just|task|rake)\b/,
  ],
  ['version-control', /^(git|gh|hg|svn|jj)\b/],
  ['containers', /^(docker|docker-compose|podman|kubectl|helm|minikube|kind)\b/],
  ['services', /^(systemctl|service|journalctl|kill|pkill|nohup|launchctl)\b/],
  ['data', /^(psql|mysql|sqlite3|redis-cli|mongo|mongosh|jq|awk|sed|sort|cut|alembic)\b/],
  ['network', /^(curl|wget|ssh|scp|rsync|ping|dig|nslookup|nc|http)\b/],
  [
    'inspection',
    /^(ls|cat|pwd|echo|which|whoami|id|env|printenv|head|tail|wc|file|stat|du|df|ps|top|date|uname|hostname|grep|rg|find|tree|less|more|type|test|true|free|uptime)\b/,
  ],
  [
    'files',
    /^(mkdir|touch|cp|mv|rm|ln|chmod|chown|tar|zip|unzip|gzip|install|tee|dd|truncate|rmdir)\b/,
  ],
]

/**
 * Whether a command should run in a virtual environment: Python and pip, except informational
 * calls.
 */
export function wantsVenv(form: string): boolean {
  return (
    /(^|&& |; |\|\| |\| )(sudo )?(python[\d.]*|pip[\d.]*)( |$)/.test(form) &&
    !/(python[\d.]*|pip[\d.]*) (-V|--version|-m venv|-m virtualenv|-h|--help|-c)\b/.test(form) &&
    !/pip[\d.]* (list|show|freeze|check|config|cache|help|search|index|debug)\b/.test(form)
  )
}

/**
 * Normalises a command: replaces the parts that vary between runs: names, paths, numbers, texts.
 */
export function normalise(command: string): CommandForm {
  const parameters: { name: string; value: string }[] = []
  const shown: string[] = []
  let program = ''
  let first: string | undefined
  let isStart = true
  let operands = 0
  let sub = ''
  const put = (name: string, value: string): void => {
    parameters.push({ name, value })
    const text = `{${name}}`
    // their number does not matter
    if (shown.at(-1) !== text) shown.push(text)
  }
  for (const word of shellWords(command)) {
    if (word.isOperator) {
      shown.push(word.text)
      isStart = /^(&&|\|\||\||;|&|\(|\{)$/.test(word.text)
      if (isStart) {
        operands = 0
        sub = ''
      }
      continue
    }
    const { text } = word
    if (isStart) {
      const assigned = /^([A-Za-z_]\w*)=(.*)$/s.exec(text)
      if (assigned) {
        shown.push(`${assigned[1]}={value}`)
        continue
      }
      program = text.includes('/') ? (text.split('/').at(-1) ?? text) : text
      first ??= program
      shown.push(program)
      isStart = program === 'sudo' || program === 'env' || program === 'time' || program === 'nohup'
      continue
    }
    if (/^--?[A-Za-z]/.test(text) && !word.isQuoted) {
      const [flag = '', ...rest] = text.split('=')
      shown.push(rest.length > 0 ? `${flag}={value}` : flag)
      continue
    }
    const previous = shown.at(-1) ?? ''
    if (/^python[\d.]*$/.test(program) && previous === '-m') {
      shown.push(text)
      sub = text
      continue
    }
    operands += 1
    if (operands === 1 && withSubcommands.has(program) && /^[a-z][\w:.-]{0,40}$/i.test(text)) {
      shown.push(text)
      sub = text
      continue
    }
    if (
      operands === 2 &&
      /^(npm|yarn|pnpm|bun|docker|kubectl|gh|aws|gcloud|az|ip)$/.test(program)
    ) {
      if (/^(run|compose|get|describe|pr|issue|repo|image|container|s3|rollout)$/.test(sub)) {
        if (/^[a-z][\w:.-]{0,40}$/i.test(text)) {
          shown.push(text)
          continue
        }
      }
    }
    put(kindOf(text, word.isQuoted, program, sub), text)
  }
  const form = shown.join(' ').slice(0, longestForm)
  const bare = form.replace(/^((sudo|env|time|nohup|\w+=\{value\}) )+/, '')
  const category = categories.find(([, pattern]) => pattern.test(bare))?.[0] ?? 'other'
  return { form, program: first ?? '', category, parameters }
}

function kindOf(text: string, isQuoted: boolean, program: string, sub: string): string {
  if (/^[a-z][a-z0-9+.-]{1,20}:\/\//i.test(text) || text.startsWith('git@')) return 'url'
  if (/^\$|^`/.test(text)) return 'value'
  if (/^[+-]?\d+(\.\d+)?[a-z%]{0,2}$/i.test(text)) return 'n'
  if (/^[0-9a-f]{7,64}$/i.test(text) && /\d/.test(text)) return 'id'
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(text)) return 'id'
  if (isQuoted && /\s/.test(text)) return 'text'
  if (isInstalling(program, sub) && !/^\.{0,2}\//.test(text)) {
    if (!/\.(txt|whl|toml|gz|zip|deb)$/.test(text) && text !== '.') return 'package'
  }
  if (/^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/.test(text)) return 'host'
  if (text.includes('/') || /^[~.]/.test(text)) return 'path'
  if (/^[\w*?-][\w*?. -]{0,100}\.[A-Za-z0-9]{1,8}$/.test(text)) return 'file'
  if (program === 'echo' || program === 'printf') return 'text'
  return 'name'
}

function isInstalling(program: string, sub: string): boolean {
  if (sub === 'pip') return true
  return /^(pip|pip3|pipx|uv|npm|pnpm|yarn|apt|apt-get|brew|apk|dnf|yum|poetry|gem|cargo|conda|mamba|go)$/.test(
    program,
  )
    ? installing.has(sub)
    : false
}

interface ShellWord {
  readonly text: string
  readonly isQuoted: boolean
  readonly isOperator: boolean
}

const token =
  /\s+|&&|\|\||>>|<<<?|2>&1|[0-9]?>|[|;&<(){}]|((?:[^\s|;&<>(){}'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"\\]|\$\{[^}]*\}|[{}](?=\S))+)/gs

/** Words and operators, split roughly like a shell; never fails. */
function* shellWords(command: string): Generator<ShellWord> {
  let count = 0
  for (const match of command.slice(0, 8192).matchAll(token)) {
    if (/^\s+$/.test(match[0])) continue
    count += 1
    if (count > mostWords) return
    const raw = match[1]
    if (raw === undefined) {
      yield { text: match[0], isQuoted: false, isOperator: true }
      continue
    }
    const isQuoted = /^['"]/.test(raw)
    const text = raw.replace(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
      (_all, a, b, c) => a ?? b ?? c,
    )
    yield { text: text === '' ? raw : text, isQuoted, isOperator: false }
  }
}

/** The signature of a failure: its kind and its most telling line, normalised. */
export function failureSignature(
  category: string | null,
  exitCode: number | null,
  stderr: string | null,
): string {
  const lines = (stderr ?? '').split('\n').map((line) => line.trim())
  const telling =
    lines.findLast((line) => /error|not found|no such|denied|cannot|failed|fatal/i.test(line)) ??
    lines.findLast((line) => line !== '') ??
    ''
  const form = telling
    .slice(0, 300)
    .replace(/'[^']{1,100}'|"[^"]{1,100}"|`[^`]{1,100}`/g, "'…'")
    .replace(/\S*\/\S+/g, '{path}')
    .replace(/\d+/g, '{n}')
    .slice(0, 160)
  return `${category ?? 'failed'}:${exitCode ?? ''}:${form}`
}
