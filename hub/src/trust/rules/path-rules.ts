import { compileGlob } from './glob.ts'
import { Path, pathList } from './path-lists.ts'
import { compileMeetings } from './path-meetings.ts'
import type { PathsSource } from './rule-schema.ts'
import type { Secrecy } from './secrecy.ts'

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
  /** A home directory, whose credentials all lie in what begins with a dot. */
  isHome(path: string): boolean
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
/** The system's directories of programs and libraries; the group is the name. */
const systemPlace = /^(?:\/usr)?\/(?:s?bin|lib(?:32|64|x32)?(?:\/[\w-]+-linux-\w+)?)\/([^/]+)$/
/** A pattern for names directly below the root: nothing of the system need be named. */
const atTop = /^\/[^/]*[*?[][^/]*$/
const harmlessDevice = /^\/dev\/(?:null|stdin|stdout|stderr|tty|zero|full|u?random|fd\/[012])$/

/** Suffixes of a file's copies. */
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
    secret: pathList(source.secret),
    privates: pathList(source.private),
    open: pathList(source.public),
    critical: pathList(source.critical),
    system: pathList(source.system),
    stores: pathList(source.stores),
    environments: pathList(source.environments),
    essential: pathList(source.essential),
    essentials: source.essential,
    hunts: new RegExp(source.hunts.join('|'), 'i'),
    meetings: compileMeetings(source),
    wide: pathList(wides),
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

  isHome(path: string): boolean {
    return this.#short(path) === '~'
  }

  isHunt(text: string): boolean {
    return this.#lists.hunts.test(
      text.replaceAll(/<[a-z _-]*>|\\[bswd<>]|[\\^$()]|\[[^\]]{0,16}\][?*+]?|[?*+.]/g, ''),
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
    // A list entry that matches the pattern's own text matches all its expansions.
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
