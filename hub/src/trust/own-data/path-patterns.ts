import { posix } from 'node:path'
import type { Word } from '../shell/command-tree.ts'

/** The context of a command's words. */
export interface Place {
  readonly cwd: string
  readonly home: string | undefined
}

/** Longer words are not examined as paths. */
export const longestPath = 4096

/** Stands for a value that is only known when the command runs. */
export const wild = '\u{f8ff}'

/** A word as it is written, with what is known of its expansions. */
export function textOf(word: Word, scope: Place): string {
  if (!word.pieces) return word.value
  return word.pieces
    .map((piece) => {
      if (piece.kind === 'text') return piece.value
      if (piece.kind === 'glob') return piece.text
      if (piece.kind === 'tilde') return piece.text === '~' ? (scope.home ?? wild) : wild
      if (piece.kind === 'variable' && piece.plain && piece.name === 'PWD') return scope.cwd
      if (piece.kind === 'variable' && piece.plain && piece.name === 'HOME')
        return scope.home ?? wild
      return wild
    })
    .join('')
}

/**
 * Possible paths within a word: all of it, and the text after `=`, `:`, `,`, `@` or a short
 * option's letter.
 */
export function candidatesOf(text: string): string[] {
  const parts = text.split(/[=:,@\s'"`;|&<>()]+/).filter(Boolean)
  const afterLetter = /^-[A-Za-z](.+)$/.exec(text)?.[1]
  const found = [text, ...parts.slice(0, 64), ...(afterLetter === undefined ? [] : [afterLetter])]
  return [...new Set(found)].filter((candidate) => candidate.length <= longestPath)
}

/** A path from the root, without `.` and `..`. */
export function absolute(path: string, cwd: string, scope: Place): string {
  const expanded =
    path === '~' || path.startsWith('~/') ? `${scope.home ?? wild}${path.slice(1)}` : path
  const full = posix.normalize(expanded.startsWith('/') ? expanded : `${cwd}/${expanded}`)
  const proc = /^\/proc\/(?:self|thread-self|\d+)\/(root|cwd)(\/.*)?$/.exec(full)
  if (!proc) return full.length > 1 && full.endsWith('/') ? full.slice(0, -1) : full
  return absolute(proc[1] === 'cwd' ? `.${proc[2] ?? ''}` : (proc[2] ?? '/'), cwd, scope)
}

/** Whether a path may be more than one. */
export function isPattern(path: string): boolean {
  return /[*?[{]/.test(path) || path.includes(wild)
}

/** Whether a pattern may name the root or something in it. */
export function reaches(pattern: string, root: string): boolean {
  const parts = pattern.split('/')
  const wanted = root.split('/')
  if (pattern.includes(wild) && parts.length < wanted.length) return false
  if (parts.length < wanted.length) return false
  return wanted.every((name, at) => segmentRegex(parts[at] ?? '', false).test(name))
}

/** Whether a pattern may name a directory above the root. */
export function above(pattern: string, root: string): boolean {
  const parts = pattern.split('/')
  const wanted = root.split('/')
  return (
    parts.length < wanted.length &&
    parts.every((part, at) => segmentRegex(part, false).test(wanted[at] ?? ''))
  )
}

/**
 * One name of a pattern. Unknown parts match any name.
 *
 * @param matchesDot whether a star takes a leading dot: to `find` it does, to bash it does not
 */
export function segmentRegex(segment: string, matchesDot: boolean): RegExp {
  const source = segment
    .slice(0, 256)
    .replace(/\[[^\]]*\]|\{[^}]*\}/g, '?')
    .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]?')
    .replaceAll(wild, '[^/]*')
  const startsOpen = !matchesDot && /^[*?]/.test(segment)
  return new RegExp(`^${startsOpen ? '(?!\\.)' : ''}${source}$`, 's')
}
