import { posix } from 'node:path'
import { compileGlob } from './glob.ts'
import type { PathsSource } from './rule-schema.ts'

/** What a path is known to hold. */
export type Secrecy = 'secret' | 'private' | undefined

/** Judgement of a path, whatever program touches it. */
export interface PathPolicy {
  /** `secret` is BLOCKED to read, `private` needs review, otherwise undefined. */
  secrecy(path: string): Secrecy
  /** The same for a pattern: what it could expand to. */
  secrecyOfPattern(pattern: string): Secrecy
  /** A directory whose recursive deletion or change of mode ends the system or a person's data. */
  isCritical(path: string): boolean
  /** A directory so wide that searching it by content finds credentials. */
  isWide(path: string): boolean
  /** Whether a search text hunts for credentials. */
  isHunt(text: string): boolean
  /** A file or directory of the system that nobody writes through an agent. */
  isSystemTarget(path: string): boolean
  isDevice(path: string): boolean
}

const device =
  /^\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|dm-|md|loop|sr|nbd|zd|pmem|disk\/|mapper\/|block\/|vg|mem$|kmem$|port$|root$)/
const harmlessDevice = /^\/dev\/(?:null|stdin|stdout|stderr|tty|zero|full|u?random|fd\/[012])$/

/** Paths whose class is kept while one command is judged. */
const mostRemembered = 4096

/** A directory that stands for the unknown working directory of a request. */
export const unknownCwd = '/.cwd'

/**
 * An absolute path with `.`, `..`, `//` and the spellings of `/` through /proc taken out.
 *
 * @param cwd absolute, or undefined where it is not known
 */
export function resolvePath(path: string, cwd: string | undefined): string {
  let absolute = path.startsWith('/') ? path : `${cwd ?? unknownCwd}/${path}`
  if (/\/\.{0,2}(?:\/|$)/.test(absolute)) absolute = trimSlash(posix.normalize(absolute))
  const proc = /^\/proc\/(?:self|thread-self|\d+)\/(?:root|cwd)(?=\/|$)/.exec(absolute)
  if (!proc) return absolute
  if (proc[0].endsWith('cwd')) return resolvePath(absolute.slice(proc[0].length + 1), cwd)
  return resolvePath(absolute.slice(proc[0].length) || '/', cwd)
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** Compiles the lists of paths.yaml. `home` is the home directory of the account that commands run under. */
export function compilePaths(source: PathsSource): (home: string | undefined) => PathPolicy {
  const secret = anyOf(source.secret)
  const privates = anyOf(source.private)
  const open = anyOf(source.public)
  const critical = anyOf(source.critical)
  const system = anyOf(source.system)
  const wide = anyOf(source.wide)
  const hunts = new RegExp(source.hunts)
  const classOf = (path: string): Secrecy => {
    if (secret(path)) return open(path) ? undefined : 'secret'
    if (privates(path)) return open(path) ? undefined : 'private'
    return undefined
  }
  const samples = source.samples.map((path) => ({ path, secrecy: classOf(path) }))
  return (home) => {
    const short = (path: string): string => shortenHome(path, home)
    const ofPattern = (pattern: string): Secrecy => {
      const text = short(pattern)
      const direct = classOf(text)
      if (direct === 'secret') return direct
      const matches = compileGlob(text)
      if (!matches) return 'private'
      // `*` alone takes everything: below the working directory that is no hunt, elsewhere it is not one for sure.
      const takesAll = /(?:^|\/)[*?]+$/.test(text)
      let found = direct
      for (const sample of samples) {
        if (!sample.secrecy || !matches(sample.path)) continue
        if (takesAll && sample.path.startsWith(unknownCwd)) continue
        if (sample.secrecy === 'secret' && (!takesAll || /\/\.ssh\/|\/\.aws\//.test(text)))
          return 'secret'
        found = 'private'
      }
      return found
    }
    return {
      secrecy: remembered((path) => classOf(short(path))),
      secrecyOfPattern: remembered(ofPattern),
      isWide: (path) => wide(short(path)),
      isHunt: (text) => hunts.test(text),
      isCritical: (path) => critical(short(path)),
      isSystemTarget: (path) => system(short(path)),
      isDevice: (path) => device.test(path),
    }
  }
}

/** Keeps what was found: wrappers show the same words to every layer. */
function remembered(find: (path: string) => Secrecy): (path: string) => Secrecy {
  const known = new Map<string, Secrecy>()
  return (path) => {
    if (known.has(path)) return known.get(path)
    const found = find(path)
    if (known.size < mostRemembered) known.set(path, found)
    return found
  }
}

/** Whether writing to this path leaves nothing behind. */
export function isHarmlessSink(path: string): boolean {
  return harmlessDevice.test(path)
}

function shortenHome(path: string, home: string | undefined): string {
  if (home !== undefined && home !== '/' && path.startsWith(home)) {
    const rest = path.slice(home.length)
    if (rest === '' || rest.startsWith('/')) return `~${rest}`
  }
  if (!path.startsWith('/home/') && !path.startsWith('/root') && !path.startsWith('/Users/')) {
    return path
  }
  return path.replace(/^\/(?:home\/[^/]+|Users\/[^/]+|root)(?=\/|$)/, '~')
}

/** Whether a path is on a list, by looking only at the entries that can match it. */
type PathList = (path: string) => boolean

/** Compiles globs: `~/x` below any home, `/x` absolute, `x` at any depth, `\\*` a star itself. */
function anyOf(globs: readonly string[]): PathList {
  const names = globs.filter((glob) => !/[/~]/.test(glob))
  const exact = new Set(names.filter((name) => !/[*?\\]/.test(name)))
  const lists = {
    name: joinedNames(names.filter((name) => !exact.has(name))),
    home: joined(globs.filter((glob) => glob.startsWith('~'))),
    deep: deepList(globs.filter((glob) => glob.startsWith('**/'))),
  }
  const byRoot = new Map<string, string[]>()
  for (const glob of globs) {
    if (!glob.startsWith('/')) continue
    const root = rootOf(glob.replaceAll('\\*', '*'))
    byRoot.set(root, [...(byRoot.get(root) ?? []), glob])
  }
  const roots = new Map([...byRoot].map(([root, list]) => [root, joined(list)]))
  return (path) => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (exact.has(name) || lists.name?.test(name)) return true
    if (path.startsWith('~') ? lists.home?.test(path) : roots.get(rootOf(path))?.test(path))
      return true
    return lists.deep(path)
  }
}

/** The first name of an absolute path. */
function rootOf(path: string): string {
  const slash = path.indexOf('/', 1)
  return slash < 0 ? path : path.slice(0, slash)
}

/** Globs at any depth. Those of a fixed number of names look at as many names at the end, however long the path. */
function deepList(globs: readonly string[]): PathList {
  const all = joined(globs)
  const open = joined(globs.filter((glob) => glob.lastIndexOf('**') > 0))
  const byCount = new Map<number, string[]>()
  for (const glob of globs) {
    if (glob.lastIndexOf('**') > 0) continue
    const tail = glob.slice(3)
    const count = tail.split('/').length
    byCount.set(count, [...(byCount.get(count) ?? []), tail])
  }
  const tails = [...byCount].map(([count, list]) => [count, joined(list)] as const)
  return (path) => {
    // What `**` takes does not go over a line's end.
    if (path.includes('\n')) return all?.test(path) ?? false
    if (tails.some(([count, tail]) => tail?.test(lastNames(path, count)))) return true
    return open?.test(path) ?? false
  }
}

function lastNames(path: string, count: number): string {
  let from = path.length
  for (let left = count; left > 0 && from > 0; left -= 1) from = path.lastIndexOf('/', from - 1)
  return path.slice(from + 1)
}

/** Patterns on names begin with a star mostly; searching for their rest is faster than matching the whole. */
function joinedNames(globs: readonly string[]): RegExp | undefined {
  if (globs.length === 0) return undefined
  const sources = globs.map((glob) =>
    glob.startsWith('*') ? `${globSource(glob.slice(1))}$` : `^${globSource(glob)}$`,
  )
  return new RegExp(sources.join('|'))
}

function joined(globs: readonly string[]): RegExp | undefined {
  return globs.length === 0 ? undefined : new RegExp(`^(?:${globs.map(globSource).join('|')})$`)
}

function globSource(glob: string): string {
  return glob
    .replaceAll('\\*', '\u0001')
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('?', '[^/]')
    .replaceAll('**/', '\u0002')
    .replaceAll('**', '\u0000')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0000', '.*')
    .replaceAll('\u0001', '\\*')
    .replaceAll('\u0002', '(?:.*/)?')
}
