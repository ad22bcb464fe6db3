import { describeWords } from '../shell/command-text.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'
import { copyOf } from './scope.ts'
import { Subject } from '../rules/string-patterns.ts'
import type { Unwrapped } from '../rules/unwrapped.ts'

/** Characters of a directory that a command changes to; a longer one is not followed. */
const longestDirectory = 512
/** Directories with secrets that a command may still be in; with more of them it is lost. */
const mostFormer = 4
const venvActivate = /^(?:\.\/)?(\.venv|venv)\/bin\/activate$/

/** The effect of `cd` on later commands. */
export function changeDirectory(
  words: readonly ResolvedWord[],
  scope: Scope,
  grounds: Grounds,
): void {
  const target = words.findLast((word, at) => at > 0 && !/^-(?:[LPe@]+|-)$/.test(word.value))
  if (scope.cwd !== undefined && holdsSecrets(scope.cwd, grounds)) {
    if (scope.formerCwds.length >= mostFormer) scope.isLost = true
    else if (!scope.formerCwds.includes(scope.cwd))
      scope.formerCwds = [...scope.formerCwds, scope.cwd]
  }
  if (target === undefined) scope.cwd = grounds.home
  else if (target.exact && target.value !== '-') {
    const path = resolvePath(target.value, scope.cwd)
    const isLong = path.length > longestDirectory
    scope.cwd = isLong ? cutPath(path) : path
    if (isLong) scope.isLost = true
  } else {
    scope.cwd = undefined
    scope.isLost = true
  }
}

/** The scope of a wrapper's inner command. */
export function innerScope({ directory }: Unwrapped, scope: Scope, grounds: Grounds): Scope {
  if (!directory) return scope
  const inner = copyOf(scope)
  changeDirectory([fixedWord('cd'), directory], inner, grounds)
  return inner
}

/** Whether what is named from a directory can be secret because of where it is. */
function holdsSecrets(cwd: string, { paths }: Grounds): boolean {
  return paths.isWide(cwd) || paths.secrecy(cwd) !== undefined || cwd.startsWith('/proc')
}

/** A long path by its first name and its last ones, which tell what it holds. */
function cutPath(path: string): string {
  const tail = path.slice(-longestDirectory / 2)
  return `${path.slice(0, path.indexOf('/', 1))}${tail.slice(tail.indexOf('/'))}`
}

/** The virtual environment that a command activates and does nothing else. */
export function activatedVenv(
  program: string,
  words: readonly ResolvedWord[],
  scope: Scope,
  { policy }: Grounds,
): string | undefined {
  if ((program !== 'source' && program !== '.') || words.length !== 2) return undefined
  const root = venvActivate.exec(words[1]?.value ?? '')?.[1]
  if (root === undefined || !words[1]?.exact || scope.pipeline.length > 0) return undefined
  const isVouched =
    policy.knownPrograms === 'safe' ||
    policy.safePatterns.find(program, new Subject(describeWords(words))) !== undefined
  if (!isVouched) return undefined
  return scope.cwd === undefined ? root : resolvePath(root, scope.cwd)
}
