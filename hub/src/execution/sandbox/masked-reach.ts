import { resolve } from 'node:path'
import { isWithin, realPathOf } from '@centralpost/shared'
import { credentialPlaces } from './hidden-paths.ts'
import { isMachineProgram, wordsOf } from './machine-programs.ts'
import type { Sandbox } from './sandbox.ts'

const recursive = /^(?:find|fd|fdfind|du|tree|rg|ag|ack|git)$/
/** What shows no more of a file than its name and what is known of it. */
const namesOnly = /^(?:ls|stat|echo|printf|test|\[|readlink|realpath|basename|dirname|cd|pushd)$/
const recursion =
  /^(?:-[A-Za-z]*[rR][A-Za-z]*|--(?:dereference-)?recursive|--directories=recurse|recurse)$/
const changesDirectory = /^(?:cd|pushd|-C|--directory|--git-dir|--work-tree)$/
/** Below a process: its whole view of the file system, by another name. */
const throughProcess = /^\/proc\/[^/]+\/(?:root|cwd|fd|task|map_files|[^/]*[*?[{])/

/**
 * The word of a judged command by which it could read a credential that the sandbox masks: the place itself, or a
 * directory above it. Null where there is none. A search through `~/.config` is harmless behind the masks, and is not
 * where there are none, so that such a command must not leave the sandbox for another of its words.
 *
 * @param cwd where the command works
 */
export function reachesMasked(
  units: readonly { readonly text: string }[],
  cwd: string,
  sandbox: Sandbox,
): string | null {
  const commands = units
    .map(({ text }) => wordsOf(text))
    .filter(([name = '']) => !isMachineProgram(name))
  const places = credentialPlaces(sandbox).map(({ path }) => path)
  const homes = sandbox.homes.length === 0 ? ['/'] : sandbox.homes
  const isReached = (path: string) =>
    places.some((place) => isWithin(place, path) || isWithin(path, place))
  const bases = [cwd, ...commands.flatMap((words) => directoriesIn(words, cwd))]
  for (const words of commands) {
    const [name = '', ...rest] = words
    const isRecursive = recursive.test(name) || rest.some((word) => recursion.test(word))
    if (!isRecursive && namesOnly.test(name)) continue
    for (const word of rest) {
      for (const part of partsOf(word)) {
        const expanded = expand(part, cwd, homes)
        if (expanded === null) return word
        const paths = expanded.flatMap((path) => bases.map((base) => resolve(base, path)))
        if (paths.some((path) => throughProcess.test(path))) return word
        if (isRecursive && paths.some((path) => isWithin(path, '/proc'))) return word
        if (paths.some((path) => isReached(realPathOf(literal(path))))) return word
      }
    }
    if (isRecursive && bases.some((base) => isReached(realPathOf(base)))) return name
  }
  return null
}

/** The directories that a command goes to before it looks at names. */
function directoriesIn(words: readonly string[], cwd: string): string[] {
  return words.flatMap((word, at) => {
    const next = words[at + 1]
    return changesDirectory.test(word) && next !== undefined ? [resolve(cwd, next)] : []
  })
}

/** What of a word may be a path: all of it, and what follows `=`, `:` or a short option's letter. */
function partsOf(word: string): string[] {
  const afterLetter = /^-[A-Za-z](.+)$/.exec(word)?.[1]
  const parts = [word, ...word.split(/[=:,]/), ...(afterLetter === undefined ? [] : [afterLetter])]
  return [...new Set(parts)].filter((part) => part !== '')
}

/** The paths that a word with a home or the working directory in it may mean; null where that is not known. */
function expand(word: string, cwd: string, homes: readonly string[]): string[] | null {
  const inCwd = word.replace(/^\$(?:PWD|\{PWD\})(?=\/|$)/, cwd)
  const rest = /^(?:~|\$HOME|\$\{HOME\})(\/.*|$)/.exec(inCwd)?.[1]
  const paths = rest === undefined ? [inCwd] : homes.map((home) => home + rest)
  const isKnown = paths.every((path) => !/[$`]|^~/.test(path))
  return isKnown ? paths : null
}

/** A path up to the directory in which its first pattern is looked for. */
function literal(path: string): string {
  const at = path.search(/[*?[{]/)
  return at === -1 ? path : path.slice(0, Math.max(1, path.lastIndexOf('/', at)))
}
