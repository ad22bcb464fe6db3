import { compileGlob } from './glob.ts'
import { compileMeetings } from './path-meetings.ts'
import type { PathsSource } from './rule-schema.ts'

/** What a path is known to hold. */
export type Secrecy = 'secret' | 'private' | undefined

/** Judgement of a path, whatever program touches it. */
export interface PathPolicy {
  /** `secret` is BLOCKED to read, `private` needs review, otherwise undefined. */
  secrecy(path: string): Secrecy
  /** The same for a pattern: what it could expand to. */
  secrecyOfPattern(pattern: string): Secrecy
  /** The same for a pattern on names, in which a wildcard takes a leading dot too. */
  secrecyOfNames(pattern: string): Secrecy
  /** A directory whose recursive deletion or change of mode ends the system or a person's data. */
  isCritical(path: string): boolean
  /** A directory so wide that searching it by content finds credentials. */
  isWide(path: string): boolean
  /** Whether a search text hunts for credentials. */
  isHunt(text: string): boolean
  /** A file or directory of the system that nobody writes through an agent. */
  isSystemTarget(path: string): boolean
  isDevice(path: string): boolean
  /** Whether it is a program or a library without which hardly another one starts, or a pattern that takes one. */
  isEssential(path: string): boolean
  /** Whether it is a file with credentials, or lies in a directory that keeps them, or is one. */
  isStore(path: string): boolean
  /** Whether it is a file of variables, which hold credentials among others. */
  isEnvironment(path: string): boolean
}

const device =
  /^\/dev\/(?:sd|hd|vd|xvd|nvme|mmcblk|dm-|md|loop|sr|nbd|zd|pmem|disk\/|mapper\/|block\/|vg|mem$|kmem$|port$|root$)/
/** Where the system keeps its programs and libraries; the group is the name. */
const systemPlace = /^(?:\/usr)?\/(?:s?bin|lib(?:32|64|x32)?(?:\/[\w-]+-linux-\w+)?)\/([^/]+)$/
/** A pattern for names directly below the root: nothing of the system need be named. */
const atTop = /^\/[^/]*[*?[][^/]*$/
const harmlessDevice = /^\/dev\/(?:null|stdin|stdout|stderr|tty|zero|full|u?random|fd\/[012])$/

/** What a copy of a file is called, behind the file's own name. */
const copyEnding =
  /(?:\.(?:bak|old|orig|save|backup|copy|swp|swo|tmp|dpkg-\w{2,8}|rpm\w{3,4}|\d{1,8}|gz|bz2|xz|zst|zip|gpg|age|enc))+$|~$|-$/

/** Paths whose class is kept while one command is judged. */
const mostRemembered = 4096
/** Patterns of one command that are compared with the lists; more are an attempt to tire the judge. */
const mostPatterns = 16

/** Compiles the lists of paths.yaml. `home` is the home directory of the account that commands run under. */
export function compilePaths(source: PathsSource): (home: string | undefined) => PathPolicy {
  const lists = compileLists(source)
  return (home) => new CommandPaths(lists, home)
}

type Lists = ReturnType<typeof compileLists>

function compileLists(source: PathsSource) {
  const wides = [...source.wide, ...aboveThese([...source.secret, ...source.private])]
  return {
    secret: anyOf(source.secret),
    privates: anyOf(source.private),
    open: anyOf(source.public),
    critical: anyOf(source.critical),
    system: anyOf(source.system),
    stores: anyOf(source.stores),
    environments: anyOf(source.environments),
    essential: anyOf(source.essential),
    essentials: source.essential,
    hunts: new RegExp(source.hunts.join('|'), 'i'),
    meetings: compileMeetings(source),
    wide: anyOf(wides),
    wides,
  }
}

/** The lists as one command meets them; keeps what was found, because wrappers show the same words to every layer. */
class CommandPaths implements PathPolicy {
  readonly #lists: Lists
  readonly #home: string | undefined
  readonly #paths: Memory = new Map()
  #patterns: Memory | undefined
  #names: Memory | undefined
  #patternsLeft = mostPatterns

  constructor(lists: Lists, home: string | undefined) {
    this.#lists = lists
    this.#home = home
  }

  secrecy(path: string): Secrecy {
    const known = this.#paths.get(path)
    if (known !== undefined || this.#paths.has(path)) return known
    return keep(this.#paths, path, this.#classOf(this.#short(path)))
  }

  secrecyOfPattern(pattern: string): Secrecy {
    this.#patterns ??= new Map()
    if (this.#patterns.has(pattern)) return this.#patterns.get(pattern)
    return keep(this.#patterns, pattern, this.#classOfPattern(pattern, false))
  }

  secrecyOfNames(pattern: string): Secrecy {
    this.#names ??= new Map()
    if (this.#names.has(pattern)) return this.#names.get(pattern)
    return keep(this.#names, pattern, this.#classOfPattern(pattern, true))
  }

  isWide(path: string): boolean {
    const text = this.#short(path)
    if (!/[*?[]/.test(text)) return this.#lists.wide(new Path(text))
    const matches = compileGlob(text)
    return !matches || this.#lists.wides.some(matches)
  }

  isHunt(text: string): boolean {
    return this.#lists.hunts.test(
      text.replaceAll(/\\[bswd<>]|[\\^$()]|\[[^\]]{0,16}\][?*+]?|[?*+.]/g, ''),
    )
  }

  isCritical(path: string): boolean {
    return this.#lists.critical(new Path(this.#short(path))) || atTop.test(path)
  }

  isSystemTarget(path: string): boolean {
    return this.#lists.system(new Path(this.#short(path)))
  }

  isDevice(path: string): boolean {
    return device.test(path)
  }

  isEssential(path: string): boolean {
    const name = systemPlace.exec(path)?.[1]
    if (name === undefined) return false
    const matches = /[*?[]/.test(name) ? compileGlob(name) : undefined
    const { essential, essentials } = this.#lists
    return matches ? essentials.some(matches) : essential(new Path(name))
  }

  isStore(path: string): boolean {
    const { secret, stores, open } = this.#lists
    const whole = new Path(this.#short(path))
    return (secret(whole) || stores(whole)) && !open(whole)
  }

  isEnvironment(path: string): boolean {
    const { environments, open } = this.#lists
    const whole = new Path(path)
    return environments(whole) && !open(whole)
  }

  #short(path: string): string {
    return shortenHome(path, this.#home)
  }

  #classOf(text: string): Secrecy {
    const { secret, privates, open } = this.#lists
    const path = new Path(text)
    if (secret(path)) return open(path) ? undefined : 'secret'
    if (privates(path)) return open(path) ? undefined : 'private'
    if (!copyEnding.test(text)) return undefined
    const original = new Path(text.replace(copyEnding, ''))
    return (secret(original) || privates(original)) && !open(original) ? 'private' : undefined
  }

  #classOfPattern(pattern: string, dots: boolean): Secrecy {
    const text = this.#short(pattern)
    // What a list says of the pattern's own text, it says of everything that the pattern expands to.
    if (this.#lists.open(new Path(text))) return undefined
    const direct = this.#classOf(text)
    if (direct === 'secret') return direct
    this.#patternsLeft -= 1
    if (this.#patternsLeft < 0) return 'private'
    return this.#lists.meetings(text, dots) ?? direct
  }
}

type Memory = Map<string, Secrecy>

function keep(memory: Memory, path: string, found: Secrecy): Secrecy {
  if (memory.size < mostRemembered) memory.set(path, found)
  return found
}

/** Directories above what is secret or private: searching all of one by content finds it. */
function aboveThese(globs: readonly string[]): string[] {
  const found = new Set<string>()
  for (const glob of globs) {
    if (!/^[~/]/.test(glob) || glob.startsWith('/tmp/')) continue
    const names = glob.split('/')
    for (let count = 2; count < names.length; count += 1) {
      if (names[count - 1]?.includes('*')) break
      found.add(names.slice(0, count).join('/'))
    }
  }
  return [...found]
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

/** A path and what lists find their entries by. */
class Path {
  readonly text: string
  /** Its last name. */
  readonly name: string
  /** Its first name, where it is absolute. */
  readonly root: string

  constructor(text: string) {
    this.text = text
    this.name = text.slice(text.lastIndexOf('/') + 1)
    this.root = rootOf(text)
  }
}

/** Whether a path is on a list, by looking only at the entries that can match it. */
type PathList = (path: Path) => boolean

/** Compiles globs: `~/x` below any home, `/x` absolute, `x` at any depth, `\\*` a star itself. */
function anyOf(source: readonly string[]): PathList {
  // A name at any depth is a name.
  const globs = source.map((glob) => (/^\*\*\/[^/*]+$/.test(glob) ? glob.slice(3) : glob))
  const names = globs.filter((glob) => !/[/~]/.test(glob))
  const exact = new Set(names.filter((name) => !/[*?\\]/.test(name)))
  const lists = {
    name: nameList(names.filter((name) => !exact.has(name))),
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
    const { text, name, root } = path
    if (exact.has(name) || lists.name(name)) return true
    if (text.startsWith('~') ? lists.home?.test(text) : roots.get(root)?.test(text)) return true
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
  if (!all) return () => false
  return ({ text }) => {
    // What `**` takes does not go over a line's end.
    if (text.includes('\n')) return all.test(text)
    if (tails.some(([count, tail]) => tail?.test(lastNames(text, count)))) return true
    return open?.test(text) ?? false
  }
}

function lastNames(path: string, count: number): string {
  let from = path.length
  for (let left = count; left > 0 && from > 0; left -= 1) from = path.lastIndexOf('/', from - 1)
  return path.slice(from + 1)
}

/** Patterns on names, found by the character that they end with; few names end with one of a pattern. */
function nameList(globs: readonly string[]): (name: string) => boolean {
  const byEnd = Map.groupBy(globs, (glob) => glob.at(-1) ?? '')
  const open = joinedNames([...byEnd].flatMap(([end, list]) => (/[*?\]]/.test(end) ? list : [])))
  const lists = new Map([...byEnd].map(([end, list]) => [end, joinedNames(list)]))
  return (name) =>
    (lists.get(name.at(-1) ?? '')?.test(name) ?? false) || (open?.test(name) ?? false)
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
