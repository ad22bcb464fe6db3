import type { CommandNode, Word } from './command-tree.ts'
import type { Argument } from './argument.ts'

/** A word with everything known about its value. */
export interface ResolvedWord extends Argument {
  readonly word: Word
  /** The value as well as it can be told; unknown variables are empty. */
  readonly value: string
  /** An unknown value that bash reads from a variable or a substitution, and does nothing else with. */
  readonly data: boolean
  /** An unknown value outside double quotes, which bash splits and expands again. */
  readonly splits: boolean
  /** Why the word cannot be reproduced at all. */
  readonly opaque: string | undefined
  /** Holds a part that a wrapper puts in when it runs. */
  readonly filled?: boolean
  /** A variable whose name says that its value is a secret. */
  readonly secret: string | undefined
}

/** The known variables of a word's context. */
export interface Lookups {
  readonly home: string | undefined
  readonly cwd: string | undefined
  readonly assigned: ReadonlyMap<string, string>
  readonly looped: ReadonlyMap<string, ResolvedWord>
  readonly isKnown: (name: string) => boolean
  readonly isSecret: (name: string) => boolean
}

/** Resolves one word; for a static word nothing is looked up. */
export function resolveWord(word: Word, lookups: Lookups): ResolvedWord {
  if (!word.pieces) return fixed(word)
  let value = ''
  let exact = true
  let glob = false
  let data = false
  let splits = false
  let opaque: string | undefined
  let secret: string | undefined
  let isFirst = true
  let safeStart = false
  for (const piece of word.pieces) {
    switch (piece.kind) {
      case 'text':
        if (isFirst && piece.value !== '') safeStart = !piece.value.startsWith('-')
        value += piece.value
        break
      case 'glob':
        glob = true
        exact = false
        value += piece.text
        break
      case 'tilde': {
        const known = tildeValue(piece.text, lookups)
        if (known === undefined) exact = false
        if (known === undefined || !/^~(?:\+|root)?$/.test(piece.text))
          opaque ??= 'a home or a directory of another'
        safeStart = true
        value += known ?? piece.text
        break
      }
      case 'variable': {
        const looped = piece.plain ? lookups.looped.get(piece.name) : undefined
        if (looped && (piece.quoted || staysOneWord(looped.value))) {
          if (isFirst && looped.value !== '') {
            safeStart = looped.glob ? looped.safeStart : !looped.value.startsWith('-')
          }
          if (looped.glob) [glob, exact] = [true, false]
          value += looped.value
          break
        }
        const known = piece.plain ? variableValue(piece.name, lookups) : undefined
        if (lookups.isSecret(piece.name)) secret = piece.name
        if (known !== undefined && lookups.isKnown(piece.name)) {
          if (isFirst) safeStart = true
          value += known
          break
        }
        exact = false
        data = true
        if (!piece.quoted) splits = true
        // Outside quotes, IFS always splits at its own value.
        if (piece.name === 'IFS' && !piece.quoted && known !== '') value += ' '
        else value += known ?? defaultOf(piece.text) ?? ''
        break
      }
      case 'script': {
        // At the top of a repository may be a home directory with all that begins with a dot there.
        const next = word.pieces[word.pieces.indexOf(piece) + 1]
        const isHidden = next?.kind === 'text' && /^\/+\./.test(next.value)
        const directory =
          piece.script && !isHidden ? printedDirectory(piece.script, lookups) : undefined
        exact = false
        if (directory !== undefined && (piece.quoted || staysOneWord(directory))) {
          if (isFirst) safeStart = true
          glob = true
          value += directory
          break
        }
        data = true
        if (!piece.quoted) splits = true
        break
      }
      case 'process':
        if (piece.operator === '<') {
          value += '/dev/fd/63'
          safeStart = true
        } else opaque ??= 'a process that reads what is written to it'
        break
      case 'opaque':
        opaque ??= piece.reason
        exact = false
        value += demanded(piece.text)
        break
    }
    if (piece.kind !== 'text' || piece.value !== '') isFirst = false
  }
  return { word, value, exact, glob, safeStart, data, splits, opaque, secret }
}

/** Commands that print one absolute path, and where it usually leads: a stand-in for it, like what a pattern could meet. */
const printsDirectory: Readonly<Record<string, (lookups: Lookups) => string | undefined>> = {
  pwd: ({ cwd }) => cwd,
  'git rev-parse --show-toplevel': ({ cwd }) => cwd,
  'git rev-parse --git-dir': ({ cwd }) => (cwd === undefined ? undefined : `${cwd}/.git`),
  'npm root': ({ cwd }) => (cwd === undefined ? undefined : `${cwd}/node_modules`),
  'npm root -g': () => '/usr/lib/node_modules',
  'go env GOROOT': () => '/usr/lib/go',
  'go env GOPATH': ({ home }) => `${home ?? '/root'}/go`,
  'go env GOMODCACHE': ({ home }) => `${home ?? '/root'}/go/pkg/mod`,
}

function printedDirectory(script: CommandNode, lookups: Lookups): string | undefined {
  if (script.kind !== 'simple' || script.assignments.length > 0 || script.redirects.length > 0)
    return undefined
  if (script.words.some(({ pieces }) => pieces !== undefined)) return undefined
  const text = script.words.map(({ value }) => value).join(' ')
  return Object.hasOwn(printsDirectory, text) ? printsDirectory[text]?.(lookups) : undefined
}

/** The value of `${NAME:-TEXT}` for an unset variable. */
function defaultOf(text: string): string | undefined {
  return /^\$\{\w+:?-([^$`'"\\{}]*)\}$/.exec(text)?.[1]
}

/** `${NAME:?}` is never empty: the command ends instead. */
function demanded(text: string): string {
  const name = /^\$\{(\w+):\?/.exec(text)?.[1]
  return name === undefined ? '' : `$${name}`
}

/** Whether a value stays one word, and the same, where nothing quotes it. */
function staysOneWord(value: string): boolean {
  return /^[\w@%+=:,./-]+$/.test(value)
}

/** A word that holds nothing to be resolved. */
export function fixed(word: Word): ResolvedWord {
  return {
    word,
    value: word.value,
    exact: true,
    glob: false,
    safeStart: false,
    data: false,
    splits: false,
    opaque: undefined,
    secret: undefined,
  }
}

/** A word that a wrapper leaves for the inner command and that is not in the source. */
export function fixedWord(value: string): ResolvedWord {
  return fixed({ value })
}

function tildeValue(text: string, lookups: Lookups): string | undefined {
  if (text === '~') return lookups.home ?? '/root'
  if (text === '~+') return lookups.cwd
  if (/^~[-+\d]/.test(text)) return undefined
  return text === '~root' ? '/root' : `/home/${text.slice(1)}`
}

function variableValue(name: string, lookups: Lookups): string | undefined {
  const assigned = lookups.assigned.get(name)
  if (assigned !== undefined) return assigned
  if (name === 'HOME') return lookups.home ?? '/root'
  if (name === 'PWD') return lookups.cwd
  return undefined
}

/** The scripts inside a word: substitutions that run when the word is expanded. */
export function scriptsOf(word: Word): CommandNode[] {
  const scripts: CommandNode[] = []
  for (const piece of word.pieces ?? []) {
    if ((piece.kind === 'script' || piece.kind === 'process') && piece.script) {
      scripts.push(piece.script)
    }
  }
  return scripts
}
