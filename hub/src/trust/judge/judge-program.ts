import type { Finding } from './findings.ts'
import { review } from './findings.ts'
import { resolvePath } from '../shell/resolve-path.ts'
import { describeWord } from '../shell/print-command.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import type { Scope } from './scope.ts'

const trustedDirectory = /^\/(?:usr\/local\/|usr\/)?s?bin\/([^/]+)$/

/** The program of a command. */
export interface Program {
  /** The name for rules; empty if known only at run time. */
  readonly name: string
  /** Found where the system keeps its programs. */
  readonly trusted: boolean
}

/** Tells which program the first word names, and finds what is strange about the name. */
export function programOf(
  words: readonly ResolvedWord[],
  scope: Scope,
  findings: Finding[],
): Program {
  const first = words[0]
  if (!first) return { name: '', trusted: false }
  if (!first.exact || first.glob) {
    findings.push(
      review(
        'dynamic-program',
        `which program runs is only known when it runs: ${first.value || describeWord(first.word)}`,
      ),
    )
    return { name: '', trusted: false }
  }
  const name = first.value
  if (scope.functions.has(name))
    findings.push(review('function', `${name} is a function of this command`))
  if (!name.includes('/')) return { name, trusted: name !== '' }
  const trusted = trustedDirectory.exec(resolvePath(name, scope.cwd))?.[1]
  if (trusted === undefined || !name.startsWith('/')) {
    findings.push(
      review('program-path', `${name} is not a program of the system`, 'call it by its bare name'),
    )
  }
  return {
    name: name.slice(name.lastIndexOf('/') + 1),
    trusted: trusted !== undefined && name.startsWith('/'),
  }
}
