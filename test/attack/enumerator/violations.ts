import { basename } from 'node:path'
import type { Judgement } from '@centralpost/shared'
import { secretFiles } from './hostile-words.ts'
import type { Seen } from './trace.ts'

/** Something that a program does by itself, perhaps only in some of its commands. */
type Own = readonly [program: RegExp, does: RegExp, command?: RegExp]

/** What programs start by themselves to do their work, for as long as it is the system's. */
const helpers: readonly Own[] = [
  // some of its sub-commands are scripts of the system
  [/^git$/, /^(?:git(?:-[\w-]+)?|basename|dirname|sed|uname|sh|gettext(?:\.sh)?|envsubst|tr|cut)$/],
  [/^np[mx]$/, /^(?:node|env|man|less|pager)$/],
  [
    /^(?:man|apropos|whatis|info)$/,
    /^(?:man|apropos|whatis|troff|groff|grotty|preconv|tbl|nroff|eqn|col|less|pager|cat|locale|iconv|gzip|xz|bzip2|zsoelim|manconv|refer|pic|lexgrog|uname|sh)$/,
  ],
  [/^[ef]grep$/, /^grep$/],
  [/^z[ef]grep$/, /^zgrep$/],
  [/^yq$/, /^jq$/],
  [/^sdiff$/, /^diff$/],
  [/^xargs$/, /^echo$/],
  [/^systemctl$/, /^(?:systemd-sysv-install|sh|getopt|ls|basename|grep)$/],
  [/^lsb_release$/, /^(?:getopt|cut|tr|sed|cat|basename)$/],
  // the readers of compressed files are scripts
  [
    /^(?:z|bz|xz|lz|zst|lzma|un)\w+$|^gunzip$/,
    /^(?:gzip|bzip2|xz|zstd|zstdcat|lzma|lzip|sh|bash|[ef]?grep|sed|expr|cat|diff|cmp|zdiff|xzdiff|bzdiff|zcat|less|more|rm|mktemp|tempfile)$/,
  ],
  [/^tar$/, /^(?:gzip|bzip2|xz|zstd|lzip|lzma|lzop|compress)$/],
  [/^ldd$/, /^(?:ld-linux.*|cat|bash)$/],
  [/^apt(?:-\w+)?$/, /^dpkg$/],
  [/^dpkg$/, /^dpkg-query$/],
  [/^xdg-\w+$/, /^cat$/],
  // descriptions of character sets are packed
  [/^locale$/, /^gzip$/],
]

/** What a program opens to be written although nothing of anybody's is changed by it. */
const ownWrites: readonly Own[] = [
  // it looks so whether a name is a directory
  [/^shasum$/, /EISDIR/],
  // the lock that keeps the list of accounts as it is while it is read
  [/^lslogins$/, /\/etc\/\.pwd\.lock/],
  // the times of files that it has looked at; what they hold stays as it was
  [/^git$/, /"\/p\/\.git\/index\.lock".*EROFS/, /\bgit diff\b/],
  // Java's: which parts of its memory a crash would dump, and figures about itself below /tmp
  [/^(?:jar|java|javap|javac|jps)$/, /coredump_filter|"\d+"|hsperfdata/],
]

/** Programs that open a file to ask for its attributes, and print nothing that it holds. */
const asksOnly = /^(?:lsattr|filefrag|stat|ls|find|du|df)$/
/** Servers that a program exists to ask; the sandbox hides their sockets. */
const servers: Readonly<Record<string, RegExp>> = {
  docker: /docker\.sock|buildkit/,
  'docker-compose': /docker\.sock/,
  podman: /podman/,
  systemctl: /systemd|dbus/,
  loginctl: /systemd|dbus/,
}
/** Programs that put names to the addresses that they show: the view in which they run can connect to nothing. */
const ownLookUps: readonly Own[] = [[/^(?:route|netstat|arp)$/, /htons\(53\)/]]
const systemPlaces = /^\/(?:usr\/)?(?:local\/)?(?:s?bin|lib(?:64)?|libexec|games)\//

/** One thing that a SAFE command did and must not. */
export interface Violation {
  readonly kind: 'started' | 'wrote' | 'read a secret' | 'connected' | 'acted'
  readonly what: string
}

/** Holds what a command did against what its judgement says it is. */
export function violationsOf({ parts }: Judgement, command: string, seen: Seen): Violation[] {
  const named = new Set(parts.map(({ program }) => program))
  const isOf = (table: readonly Own[], text: string): boolean =>
    table.some(
      ([program, own, only]) =>
        own.test(text) &&
        [...named].some((name) => program.test(name)) &&
        (only?.test(command) ?? true),
    )
  const isServer = (call: string) => [...named].some((program) => servers[program]?.test(call))
  const strange = seen.started.filter((path) => {
    const name = basename(path)
    if (!systemPlaces.test(path)) return true
    return !named.has(name) && !isOf(helpers, name) && !/^(?:bash|strace)$/.test(name)
  })
  // a search through a directory meets the project's own; a canary that the command names is another matter
  const namesEnv = parts.some(
    ({ words, roles, redirects, isWrapper }) =>
      redirects.some(({ target }) => isEnv(target.value)) ||
      (!isWrapper && words.some(({ value }, at) => at > 0 && roles[at] !== 'data' && isEnv(value))),
  )
  const secrets = seen.read
    .filter(({ program }) => !asksOnly.test(program))
    .map(({ path, program }) => ({ path: absolute(path), program }))
    .filter(({ path }) => secretFiles.includes(path) && (path !== '/p/.env' || namesEnv))
  return [
    ...strange.map((what) => ({ kind: 'started', what }) as const),
    ...seen.written
      .filter((call) => !isOf(ownWrites, call))
      .map((what) => ({ kind: 'wrote', what }) as const),
    ...secrets.map(
      ({ path, program }) => ({ kind: 'read a secret', what: `${path} by ${program}` }) as const,
    ),
    ...seen.connected
      .filter((call) => !isServer(call) && !isOf(ownLookUps, call))
      .map((what) => ({ kind: 'connected', what }) as const),
    ...seen.acted.map((what) => ({ kind: 'acted', what }) as const),
  ]
}

function isEnv(value: string): boolean {
  return /\.e|env/.test(value)
}

function absolute(path: string): string {
  const whole = path.startsWith('/') ? path : `/p/${path}`
  return whole.replace(/^\/proc\/self\/(?:root|cwd)/, '').replaceAll(/\/\.(?=\/)/g, '')
}
