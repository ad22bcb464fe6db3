import { compileGlob } from '../rules/glob.ts'
import type { Listing } from './value.ts'

/** Options that narrow a search to some of the files below its start. */
const narrowing =
  /^-(?:i?(?:name|path|wholename|lname|regex)|(?:new|anew|cnew)er|newer[aBcmt]{2}|[acm](?:time|min)|size|user|group|uid|gid|perm|empty|inum|links|samefile|fstype|used|context|nouser|nogroup|executable|readable|writable|quit|prune)$/
const namesOf = /^-i?(?:name|path|wholename|lname)$/
/** Options of find with a value that do not narrow. */
const takesOne = /^-(?:type|xtype|maxdepth|mindepth|printf|fprintf|fprint0?|fls|regextype|D)$/

/** The listing of `find`. */
export function foundBy(args: readonly string[]): Listing[] {
  const starts: string[] = []
  const names: string[] = []
  let isWhole = true
  let at = 0
  for (; at < args.length && !/^(?:-[^HLPDO]|[(!])/.test(args[at] ?? ''); at += 1) {
    const arg = args[at] ?? ''
    if (!/^-[HLPDO]/.test(arg)) starts.push(arg)
  }
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? ''
    if (/^-(?:exec|execdir|ok|okdir)$/.test(arg)) break
    if (!narrowing.test(arg)) {
      if (takesOne.test(arg)) at += 1
      continue
    }
    const value = args[at + 1] ?? ''
    // `-name '*'` and `! -name x` take (nearly) all.
    const isAll =
      (namesOf.test(arg) && /^[*/]+$/.test(value)) || /^(?:!|-not)$/.test(args[at - 1] ?? '')
    if (!isAll) {
      isWhole = false
      if (namesOf.test(arg)) names.push(value)
    }
    if (!/^-(?:empty|nouser|nogroup|executable|readable|writable|quit|prune)$/.test(arg)) at += 1
  }
  return (starts.length > 0 ? starts : ['.']).map((start) => files(start, isWhole, names))
}

export function files(root: string, isWhole: boolean, names: readonly string[] = []): Listing {
  return { of: 'files', root, isWhole, names }
}

const everyProcess: Listing = { of: 'processes', root: '', isWhole: true, names: [] }
const everyObject: Listing = { of: 'objects', root: '', isWhole: true, names: [] }

/** The listing of other programs; undefined for a program that lists nothing. */
export function listedBy(program: string, args: readonly string[]): Listing[] | undefined {
  const operands = args.filter((arg) => !arg.startsWith('-'))
  const has = (pattern: RegExp): boolean => args.some((arg) => pattern.test(arg))
  switch (program) {
    case 'ls':
      if (has(/^-[a-zA-Z]*d/)) return operands.map((path) => files(path, true))
      return (operands.length > 0 ? operands : ['.']).map((path) => files(path, true))
    case 'tree':
    case 'du':
      return (operands.length > 0 ? operands : ['.']).map((path) => files(path, true))
    case 'fd':
    case 'fdfind': {
      const isWhole = operands[0] === undefined || /^\.?[*]?$/.test(operands[0])
      const roots = operands.slice(1)
      return (roots.length > 0 ? roots : ['.']).map((path) =>
        files(
          path,
          isWhole && !has(/^-(?:e|E|-extension|-exclude|-size|S|-changed)/),
          isWhole ? [] : operands.slice(0, 1),
        ),
      )
    }
    case 'locate':
    case 'mlocate':
    case 'plocate':
      return [files('/', false, operands)]
    case 'ps': {
      const isAll = has(/^-?[a-zA-Z]*(?:e|A|ax|x)/)
      return isAll && !has(/^-?[puC]\b|^--(?:pid|user|ppid)/) ? [everyProcess] : undefined
    }
    case 'pgrep':
    case 'pidof':
      return program === 'pgrep' &&
        operands.every((text) => /^[.*^$]*$/.test(text)) &&
        !has(/^-[uUPgGst]/)
        ? [everyProcess]
        : undefined
    case 'docker':
    case 'podman':
    case 'nerdctl': {
      const isList = /^(?:(?:container|image|volume|network) (?:ls|list)|ps|images)\b/.test(
        operands.join(' '),
      )
      const isAll = /^(?:volume|image|network)/.test(operands[0] ?? '') || has(/^-[a-z]*a|^--all$/)
      return isList && isAll && !has(/^(?:-f|--filter)/) ? [everyObject] : undefined
    }
    case 'kubectl':
    case 'oc':
      return /^get (?:ns|namespaces?|nodes?|pvc?|all|deployments?|statefulsets?)\b/.test(
        operands.join(' '),
      ) && !has(/^-l|^--selector/)
        ? [{ ...everyObject, root: operands[1] ?? '' }]
        : undefined
    case 'helm':
      return /^(?:ls|list)\b/.test(operands[0] ?? '') && !has(/^-f|^--filter/)
        ? [everyObject]
        : undefined
    case 'aws':
      return operands.join(' ') === 's3 ls' || operands.join(' ').startsWith('s3api list-buckets')
        ? [everyObject]
        : undefined
    case 'gh':
      return /^repo list\b/.test(operands.join(' ')) ? [everyObject] : undefined
    default:
      return undefined
  }
}

/** A listing as the words of a command that is given all of it: with `--recursive` for what lies below. */
export function wordsOf(listing: Listing): string[] {
  if (listing.of === 'files') {
    return listing.isWhole
      ? ['--recursive', listing.root]
      : listing.names.flatMap((name) => candidatesOf(listing.root, name))
  }
  if (!listing.isWhole) return []
  if (listing.of === 'processes') return ['-1']
  return listing.root === '' ? ['--all'] : [listing.root, '--all']
}

/** The usual places of files that a search by name looks for. */
const kept = [
  '~/.ssh/id_rsa',
  '~/.ssh/id_ed25519',
  '~/.ssh/id_ecdsa',
  '~/.ssh/id_dsa',
  '~/.aws/credentials',
  '~/.netrc',
  '~/.git-credentials',
  '~/.pgpass',
  '~/.vault-token',
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/ssh/ssh_host_rsa_key',
  '/etc/ssh/ssh_host_ed25519_key',
]
const directories = ['~/.ssh', '~/.aws', '~/.gnupg', '~', '/etc', '/etc/ssh']

/** Paths that a search by name finds, as far as one can tell. */
function candidatesOf(root: string, name: string): string[] {
  if (name.includes('/')) return [name.replace(/^\*+\/?/, '~/')]
  const isHome = /^(?:\/home|\/root|\/Users)(?:\/|$)/.test(root)
  const isBelow = (path: string): boolean =>
    root === '/' || path.startsWith(`${root}/`) || (isHome && path.startsWith('~'))
  if (/[*?[]/.test(name)) {
    const matches = compileGlob(name)
    return kept.filter(
      (path) => isBelow(path) && matches?.(path.slice(path.lastIndexOf('/') + 1)) === true,
    )
  }
  const below = directories.filter(isBelow)
  return [root, ...below].map((directory) => `${directory === '/' ? '' : directory}/${name}`)
}
