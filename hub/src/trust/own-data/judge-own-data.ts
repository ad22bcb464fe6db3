import { basename } from 'node:path'
import { isWithin } from '@centralpost/shared'
import {
  type CommandNode,
  isNode,
  isSimple,
  type SimpleCommand,
  type Word,
} from '../shell/command-tree.ts'
import {
  above,
  absolute,
  candidatesOf,
  isPattern,
  longestPath,
  reaches,
  segmentRegex,
  type Place,
  textOf,
  wild,
} from './path-patterns.ts'
import { describe, describeWord } from '../shell/print-command.ts'
import type { RealPaths } from './real-paths.ts'

/** A finding of the hub's own data in a command. */
export interface ProtectedFinding {
  readonly text: string
  readonly level: 'REVIEW' | 'BLOCKED'
  readonly rule: 'own-data'
  readonly reason: string
  readonly suggestion?: string
}

export interface ProtectedReport {
  readonly findings: readonly ProtectedFinding[]
  /** options that keep a search out of the hub's data, to be put behind a word */
  readonly additions: ReadonlyMap<Word, readonly string[]>
}

export interface ProtectedScope extends Place {
  /** absolute, without links */
  readonly roots: readonly string[]
  /** follows links, and knows afterwards which it has followed */
  readonly real: RealPaths
}

/** The search targets, and the cost so far. */
interface Search extends ProtectedScope {
  /** paths tried, each from each directory */
  places: number
}

/** Programs that print what is in files, and do so for everything below a directory when told to. */
const grepLike = new Set(['grep', 'egrep', 'fgrep', 'zgrep', 'bzgrep', 'xzgrep', 'ggrep'])
const hiddenSkippers = new Set(['rg', 'ag', 'ack', 'fd', 'fdfind'])
const listers = new Set(['find', 'gfind', 'fd', 'fdfind', 'ls', 'tree', 'git', 'locate'])
const consumers = new Set(['xargs', 'parallel', 'read', 'mapfile', 'readarray'])
const execOptions = /^-(exec|execdir|ok|okdir)$|^(-x|-X|--exec|--exec-batch)$/

// what is longer is no everyday command: a person looks at it
const mostWords = 200
const mostCommands = 64
const mostSearches = 4
const mostDirectories = 8
const longestText = 400
const mostPlaces = 4096
const tooLong: ProtectedFinding = {
  text: 'the command',
  level: 'REVIEW',
  rule: 'own-data',
  reason: "too long to be searched for the hub's own data",
}

/** Names of what lies in a data directory: a search for other names never meets it. */
const ownNames = [
  'hub.json', 'operator.json', 'nats-server.conf', 'external.conf', 'hub.db', 'hub.db-wal', 'hub.db-shm', 'hub.lock',
  'hub.log', 'nats-server.log', 'state.json', 'lock', 'stdout', 'stderr', '1.blk', '1.idx', 'meta.inf', 'meta.sum',
  'o.dat',
] // prettier-ignore

/**
 * Searches a command for the hub's own data, whatever program touches it: an agent that reads the
 * hub's credentials could act as an operator. Naming the data is BLOCKED. A recursive search gets
 * an option that excludes the data where the program has one, else it is REVIEW.
 */
export function judgeProtected(root: CommandNode, where: ProtectedScope): ProtectedReport {
  const scope: Search = { ...where, places: 0 }
  const commands: SimpleCommand[] = []
  const words: Word[] = []
  walk(root, commands, words)
  const known = directoriesOf(commands.slice(0, mostCommands), scope)
  const cwds = known ?? [scope.cwd]
  const findings: ProtectedFinding[] = []
  const additions = new Map<Word, readonly string[]>()
  const byText = new Map(words.map((word) => [textOf(word, scope), word]))
  if (known === null || byText.size > mostWords || commands.length > mostCommands) {
    findings.push(tooLong)
  }
  const looked = [...byText].slice(0, mostWords)
  const unlooked = [...byText].slice(mostWords).filter(([text]) => isMention(text, scope))
  for (const [text, word] of [...looked, ...unlooked]) {
    const level = levelOfText(text, cwds, scope)
    if (level === null) continue
    findings.push({
      text: describeWord(word),
      level,
      rule: 'own-data',
      reason:
        level === 'BLOCKED'
          ? "reaches into the hub's own data"
          : "may reach into the hub's own data",
    })
  }
  const isConsumed =
    commands.some((command) =>
      command.words.some((word) => consumers.has(nameOf(word)) || execOptions.test(word.value)),
    ) ||
    words.some((word) =>
      word.pieces?.some((piece) => piece.kind === 'script' || piece.kind === 'process'),
    )
  for (const command of commands.slice(0, mostCommands)) {
    const finding = judgeSearch(command, cwds, scope, isConsumed, additions)
    if (finding) findings.push(finding)
  }
  const isSpent = scope.places > mostPlaces || scope.real.isSpent
  if (isSpent && !findings.includes(tooLong)) findings.push(tooLong)
  return { findings, additions }
}

function walk(node: CommandNode, commands: SimpleCommand[], words: Word[]): void {
  const take = (word: Word): void => {
    words.push(word)
    for (const piece of word.pieces ?? []) {
      if ((piece.kind === 'script' || piece.kind === 'process') && piece.script) {
        walk(piece.script, commands, words)
      }
    }
  }
  for (const redirect of node.redirects) take(redirect.target)
  if (isSimple(node)) {
    commands.push(node)
    for (const word of node.words) take(word)
    for (const assignment of node.assignments) take(assignment.value)
    return
  }
  for (const part of node.shape) {
    if (typeof part === 'string') continue
    if (isNode(part)) walk(part, commands, words)
    else take(part)
  }
}

/** Every directory that some part of the command may work in; null when these are too many. */
function directoriesOf(commands: readonly SimpleCommand[], scope: ProtectedScope): string[] | null {
  const found = new Set([scope.cwd])
  for (const { words } of commands) {
    const at = words.findIndex((word) =>
      /^(cd|pushd|-C|--directory|--git-dir|--work-tree)$/.test(word.value),
    )
    const target = words[at + 1]
    if (at === -1 || !target) continue
    if (found.size >= mostDirectories) return null
    for (const from of Array.from(found)) found.add(absolute(textOf(target, scope), from, scope))
  }
  return [...found]
}

function levelOfText(
  text: string,
  cwds: readonly string[],
  scope: Search,
): 'REVIEW' | 'BLOCKED' | null {
  // a variable alone brings a value that was looked at where it was written
  if (text === wild) return null
  if (/^--(exclude|exclude-dir|ignore|ignore-dir)=/.test(text)) return null
  let level: 'REVIEW' | null = null
  for (const candidate of candidatesOf(text)) {
    for (const cwd of cwds) {
      scope.places += 1
      if (scope.places > mostPlaces) break
      const path = absolute(candidate, cwd, scope)
      for (const root of scope.roots) {
        if (isPattern(path)) {
          if (reaches(path, root)) level = 'REVIEW'
        } else if (isWithin(scope.real.of(path), root)) return 'BLOCKED'
      }
    }
  }
  return isMention(text, scope) ? 'REVIEW' : level
}

function isMention(text: string, scope: ProtectedScope): boolean {
  return scope.roots.some((root) => mentions(text, basename(root)))
}

function judgeSearch(
  command: SimpleCommand,
  cwds: readonly string[],
  scope: Search,
  isConsumed: boolean,
  additions: Map<Word, readonly string[]>,
): ProtectedFinding | null {
  const { words } = command
  const values = words.map((word) => textOf(word, scope))
  let searches = 0
  for (const [at, word] of words.entries()) {
    const program = nameOf(word)
    const isSearch =
      grepLike.has(program) ||
      hiddenSkippers.has(program) ||
      listers.has(program) ||
      program === 'diff'
    if (!isSearch) continue
    searches += 1
    if (searches > mostSearches) return tooLong
    const args = values.slice(at + 1)
    const met = scope.roots.filter((root) => meets(args, cwds, root, scope))
    if (met.length === 0) continue
    const finding = (): ProtectedFinding => ({
      text: describe({ ...command, assignments: [], redirects: [] }, longestText),
      level: 'REVIEW',
      rule: 'own-data',
      reason: "would also read the hub's own data, which lies below what it searches",
      suggestion: 'name the directories to search, or files by their ending',
    })
    if (grepLike.has(program) && isRecursive(args)) {
      // a root may be a file as well: the one with the credentials for a broker elsewhere
      const names = met.flatMap((root) =>
        ['--exclude-dir', '--exclude'].map((option) => `${option}=${basename(root)}`),
      )
      if (args.some((arg) => arg === '--' || arg.startsWith('--no-'))) return finding()
      additions.set(word, names)
    } else if (hiddenSkippers.has(program)) {
      const isOpen = args.some((arg) =>
        /^(-[A-Za-z]*[uaHI.][A-Za-z]*|--hidden|--unrestricted|--no-ignore.*|--all.*)$/.test(arg),
      )
      if (isOpen || met.some((root) => !basename(root).startsWith('.'))) return finding()
    } else if (
      program === 'diff'
        ? args.some((arg) => /^(-[A-Za-z]*r[A-Za-z]*|--recursive)$/.test(arg))
        : false
    ) {
      return finding()
    } else if (program === 'git') {
      if (args.includes('--no-index')) return finding()
    } else if (listers.has(program) && isConsumed && !namesOthers(args)) return finding()
  }
  return null
}

/** Whether a `find` asks for names that nothing of ours has. */
function namesOthers(args: readonly string[]): boolean {
  const patterns = args.filter((_, at) => /^-i?name$/.test(args[at - 1] ?? ''))
  const regexes = patterns.map((pattern) => segmentRegex(pattern, true))
  return regexes.length > 0 && !ownNames.some((name) => regexes.some((regex) => regex.test(name)))
}

function isRecursive(args: readonly string[]): boolean {
  return args.some(
    (arg, at) =>
      /^(-[A-Za-z]*[rR][A-Za-z]*|--(dereference-)?recursive|--rec[a-z]*|--directories=recurse)$/.test(
        arg,
      ) ||
      (/^(-d|--directories)$/.test(arg) && args[at + 1] === 'recurse') ||
      arg === '-drecurse',
  )
}

/** Whether one of the operands, or the working directory where there is none, is a directory above the root. */
function meets(
  args: readonly string[],
  cwds: readonly string[],
  root: string,
  scope: Search,
): boolean {
  const named = args.filter((arg) => !arg.startsWith('-') && arg.length <= longestPath)
  const operands = [...new Set(named.slice(0, mostWords)), '.']
  return operands.some((operand) =>
    cwds.some((cwd) => {
      scope.places += 1
      if (scope.places > mostPlaces) return false
      const path = absolute(operand, cwd, scope)
      if (isPattern(path)) return reaches(path, root) || above(path, root)
      return isWithin(root, scope.real.of(path))
    }),
  )
}

function mentions(text: string, name: string): boolean {
  const at = text.indexOf(name)
  if (at === -1) return false
  const before = text[at - 1] ?? ' '
  const after = text[at + name.length] ?? ' '
  return !/[\w.-]/.test(before) && !/[\w.-]/.test(after) && name.length > 3
}

function nameOf(word: Word): string {
  return basename(word.value)
}
