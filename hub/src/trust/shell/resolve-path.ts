import { posix } from 'node:path'

/** A path that is longer is taken to climb where it says `..` at all. */
const longestClimb = 512

/** A directory that stands for the unknown working directory of a request. */
export const unknownCwd = '/.cwd'

/** Links that systems keep for old names: `..` behind one leaves from where it leads, not from where it is written. */
const systemLinks: ReadonlyMap<string, string> = new Map([
  ['/bin', '/usr/bin'],
  ['/sbin', '/usr/sbin'],
  ['/lib', '/usr/lib'],
  ['/lib32', '/usr/lib32'],
  ['/lib64', '/usr/lib64'],
  ['/var/run', '/run'],
  ['/var/lock', '/run/lock'],
  ['/run/shm', '/dev/shm'],
  ['/dev/fd', '/proc/self/fd'],
  ['/proc/net', '/proc/self/net'],
  ['/proc/mounts', '/proc/self/mounts'],
  ['/etc/mtab', '/proc/self/mounts'],
])

/** Directories of the system, where a link may stand at any name, so that `..` behind a name can lead elsewhere. */
const systemPlace = /^\/(?:proc|sys|dev|run|var|etc|usr|lib\w*|s?bin)\//
const climb = /(?:^|\/)(?!\.\.?\/)[^/]+\/\.\.(?:\/|$)/
/** Paths for which walking name by name differs from removing `..` textually. */
const linkedPlace = /\/(?:proc|dev|run|var|etc|lib\w*|s?bin)\//

/**
 * Normalises an absolute path: removes `.`, `..`, `//`, the process's own links in /proc, and the
 * system's links before `..`. A `..` behind another process's link stays: only the kernel knows its
 * target.
 *
 * @param cwd absolute, or undefined if unknown
 */
export function resolvePath(path: string, cwd: string | undefined): string {
  const isAbsolute = path.startsWith('/')
  const written = isAbsolute ? path : `${cwd ?? unknownCwd}/${path}`
  const mayClimb =
    path.startsWith('.') ||
    mayBeLonger(path) ||
    (!isAbsolute && cwd !== undefined && mayBeLonger(cwd))
  const isPlain = !mayClimb || !/\/\.{0,2}(?:\/|$)/.test(written)
  if (isPlain && !written.startsWith('/proc/')) return written
  if (!written.includes('/proc/') && !(written.includes('/..') && linkedPlace.test(written)))
    return trimSlash(posix.normalize(written))
  return walk(written, cwd)
}

/** Whether a path may hold more than names, told at a glance: most do not. */
function mayBeLonger(path: string): boolean {
  return path === '' || path.endsWith('/') || path.includes('/.') || path.includes('//')
}

function walk(written: string, cwd: string | undefined): string {
  let names: string[] = []
  for (const name of written.split('/')) {
    if (name === '' || name === '.') continue
    if (name !== '..') {
      names.push(name)
      if (isOwnLink(names)) names = name === 'root' ? [] : namesOf(cwd ?? unknownCwd)
    } else if (names.at(-1) === '..' || isKernelLink(names)) names.push('..')
    else {
      const link = names.length <= 2 ? systemLinks.get(`/${names.join('/')}`) : undefined
      if (link !== undefined) names = namesOf(link)
      names.pop()
    }
  }
  return `/${names.join('/')}`
}

function isOwnLink([top, process, link, more]: readonly string[]): boolean {
  return (
    top === 'proc' && isOwn(process) && (link === 'cwd' || link === 'root') && more === undefined
  )
}

/** Links that only the kernel resolves: directories and open files of other processes. */
function isKernelLink(names: readonly string[]): boolean {
  const [top, process, kind = ''] = names
  if (top !== 'proc' || isOwn(process)) return false
  if (/^(?:cwd|root|exe)$/.test(kind)) return names.length === 3
  if (/^(?:fd|map_files)$/.test(kind)) return names.length === 4
  return kind === 'task' && names.length > 4
}

function isOwn(process: string | undefined): boolean {
  return process === 'self' || process === 'thread-self'
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** `..` behind a pattern leaves from wherever a name that matches leads: `/pro?/1/cwd/..`. */
const climbFromPattern = /[*?[][^]*\/\.\.(?:\/|$)/

/** Whether a path climbs out of what may be a link: a directory of the system, or a name that a pattern finds. */
export function climbsFromLink(path: string, isPattern: boolean): boolean {
  if (!path.includes('/..')) return false
  if (isPattern && climbFromPattern.test(path)) return true
  if (!systemPlace.test(path)) return false
  return path.length > longestClimb || climb.test(path.replaceAll(/\/(?:\.?\/)+/g, '/'))
}
