import type { Finding } from '../judge/findings.ts'
import { resolvePath, unknownCwd } from '../shell/resolve-path.ts'
import type { Grounds } from '../judge/scope.ts'
import type { Known, Place } from './place.ts'
import type { Value } from './value.ts'

/** Programs that send what they read, or files that they are given. */
const senders = new Set(
  `curl wget nc ncat netcat nc.traditional nc.openbsd socat telnet ssh scp sftp rsync ftp lftp ncftpput tftp rclone aws gsutil gcloud az http https xh
  mail mailx mutt sendmail msmtp swaks openssl busybox aria2c s3cmd mc magic-wormhole wormhole croc transfer.sh gh hub kubectl docker dig nslookup host drill ping`.split(
    /\s+/,
  ),
)
/** Programs that put whole files or directories into what they print or write. */
const packers = new Set(
  `tar gtar bsdtar zip gzip bzip2 xz zstd 7z cpio cat head tail tac base64 base32 xxd od hexdump openssl gpg age dd strings sed awk grep nl rev`.split(
    /\s+/,
  ),
)

export function isSender(program: string): boolean {
  return senders.has(program)
}

/** Files and directories with credentials among the words of a command. */
function storesIn(
  words: readonly string[],
  cwd: string | undefined,
  { paths }: Grounds,
  isUpload = true,
): string[] {
  const found: string[] = []
  for (const word of words) {
    for (const text of partsOf(word)) {
      const path = resolvePath(text, cwd)
      if (paths.isStore(path) || (isUpload && paths.isEnvironment(path))) found.push(path)
    }
  }
  return found
}

/** Programs that copy files to a machine of one's own, where a file of variables is wanted. */
const copiers = new Set('scp sftp rsync rclone aws gsutil gcloud az s3cmd mc lftp ftp'.split(' '))
/** Names the sent data where a command sends all variables. */
export const environment = 'the environment'

/** Whether a command prints all variables, the credentials among them. */
export function printsEnvironment(program: string, args: readonly string[]): boolean {
  switch (program) {
    case 'env':
    case 'printenv':
      return args.every((arg) => /^(?:-0|--null)$/.test(arg))
    case 'export':
      return args.every((arg) => arg === '-p')
    case 'declare':
    case 'typeset':
      return args.every((arg) => /^-[xp]+$/.test(arg))
    case 'set':
      return args.length === 0
    default:
      return false
  }
}

/** The secrets of a program's files that go into its output. */
export function secretsPrinted(
  program: string,
  args: readonly string[],
  cwd: string | undefined,
  grounds: Grounds,
): string[] {
  if (printsEnvironment(program, args)) return [environment]
  if (!packers.has(program)) return []
  // `tar -C DIRECTORY NAME` packs what lies there.
  const at = args.findIndex((arg) => arg === '-C' || arg === '--directory')
  const there = at < 0 ? cwd : resolvePath(args[at + 1] ?? '.', cwd)
  return storesIn(args, there, grounds)
}

function partsOf(word: string): string[] {
  if (word.startsWith('-')) {
    const value = /^--?[\w-]+=@?(.+)$/s.exec(word)?.[1] ?? /^-[a-zA-Z](@?[/~.].+)$/s.exec(word)?.[1]
    return value === undefined ? [] : [value.replace(/^@/, '')]
  }
  const at = /(?:^|=)@(.+)$/s.exec(word)?.[1]
  return at === undefined ? [word] : [at]
}

/** Whether what a program is given leaves the machine. */
export function judgeSending(
  { program, values, args }: Known,
  { input, scope: { cwd }, files }: Place,
  grounds: Grounds,
): Finding | undefined {
  if (!senders.has(program)) return undefined
  const isSent = sendsFiles(program, args)
  const written = isSent && files.size > 0 ? args.flatMap(partsOf) : []
  const [secret] = [
    ...(input?.secrets ?? []),
    ...values.flatMap(({ secrets }) => secrets),
    ...(isSent ? storesIn(args, cwd, grounds, !copiers.has(program)) : []),
    ...written.flatMap((text) => files.get(resolvePath(text, cwd))?.secrets ?? []),
  ]
  return secret === undefined ? undefined : sendingFinding(secret)
}

export function sendingFinding(path: string): Finding {
  return {
    level: 'BLOCKED',
    rule: 'exfiltration',
    reason: `sends ${path.replace(`${unknownCwd}/`, '')}, which holds credentials, over the network`,
  }
}

function sendsFiles(program: string, args: readonly string[]): boolean {
  const has = (pattern: RegExp): boolean => args.some((arg) => pattern.test(arg))
  switch (program) {
    case 'curl':
      return has(
        /^(?:-[a-zA-Z]*[TFd]|--(?:upload-file|form|data|data-binary|data-raw|data-urlencode|json)(?:=|$))/,
      )
    case 'wget':
      return has(/^--(?:post|body)-file/)
    case 'scp':
    case 'rsync':
      // The key that it signs in with is no file that it sends.
      return has(/^(?!-)[^/]*:/) && !has(/^-i$/)
    case 'dig':
    case 'nslookup':
    case 'host':
    case 'drill':
    case 'ping':
    case 'sftp':
    case 'ssh':
    case 'openssl':
    case 'gcloud':
    case 'kubectl':
    case 'docker':
    case 'busybox':
      return false
    case 'gh':
      return has(/^gist$|^release$/)
    default:
      return true
  }
}

/** A finding for code that runs unseen. */
export function unseenFinding(value: Value): Finding | undefined {
  const from = value.fetchedBy ?? value.decodedBy
  if (from === undefined || value.text !== undefined) return undefined
  return {
    level: 'BLOCKED',
    rule: value.fetchedBy === undefined ? 'decoded-code' : 'network-code',
    reason: `runs what ${from} gives it as code, unseen`,
    suggestion: 'store it in a file, look at it, and ask for that file to be run',
  }
}
