import type { IsProse } from '../rules/command-shape.ts'
import { noProse } from '../rules/command-shape.ts'
import { hasFlag } from '../rules/danger-rules.ts'
import type { Finding } from './findings.ts'
import { privateFinding, review, secretFinding, secretVariable } from './findings.ts'
import { climbsFromLink, resolvePath } from '../shell/resolve-path.ts'
import type { Policy } from '../rules/policy.ts'
import type { Reading } from '../rules/program-rules.ts'
import type { ResolvedWord } from '../shell/resolve-words.ts'
import { fixedWord } from '../shell/resolve-words.ts'
import type { Grounds, Scope } from './scope.ts'
import type { Secrecy } from '../rules/secrecy.ts'

/** The class of secrets that a named path is known to hold. */
export function secrecyOf(value: string, glob: boolean, scope: Scope, grounds: Grounds): Secrecy {
  const worst = worstAt(value, glob, scope.cwd, grounds)
  if (worst === 'secret' || value.startsWith('/')) return worst
  // A `cd` that fails, or that another branch takes, leaves the command where it was before.
  for (const cwd of scope.formerCwds)
    if (worstAt(value, glob, cwd, grounds) !== undefined) return worst ?? 'private'
  return worst
}

function worstAt(
  value: string,
  glob: boolean,
  cwd: string | undefined,
  { paths }: Grounds,
): Secrecy {
  const path = resolvePath(value, cwd)
  if (!glob) return paths.secrecy(path) ?? (climbsFromLink(value, glob) ? 'private' : undefined)
  const below = value.startsWith('/')
    ? undefined
    : paths.secrecyOfPattern(resolvePath(value, undefined))
  return (
    below ?? paths.secrecyOfPattern(path) ?? (climbsFromLink(value, glob) ? 'private' : undefined)
  )
}

/**
 * Judges the names in a command, whatever it does with them: credentials, private files, secret
 * variables.
 */
export function judgeSecrets(
  program: string,
  words: readonly ResolvedWord[],
  reading: Reading | undefined,
  isProse: IsProse,
  outer: Scope,
  grounds: Grounds,
  findings: Finding[],
): void {
  const scope = program === 'git' ? whereGitWorks(words, outer) : outer
  const roles = reading?.roles ?? []
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at]
    if (!word) continue
    if (word.secret !== undefined) {
      const isNamed = grounds.policy.environment.isNamedSecret(word.secret)
      findings.push(secretVariable(word.secret, isNamed ? program : ''))
    }
    const role = roles[at]
    if (program === 'printenv' && grounds.policy.environment.isSecret(word.value))
      findings.push(secretVariable(word.value))
    if (
      role === 'data' &&
      reading?.form.operands === 'pattern' &&
      grounds.paths.isHunt(word.value)
    ) {
      findings.push(review('hunt', 'searches for credentials'))
    }
    if (
      (role === 'data' && !listsNames(word)) ||
      role === 'operand' ||
      (role === 'value' && !looksLikePath(word)) ||
      (role !== 'data' && isProse(at - 1))
    )
      continue
    if (grounds.harmless?.has(word) === true && grounds.harmless.get(word) === scope.cwd) continue
    let isHarmless = true
    const attached = role === 'path' ? reading?.given.find((option) => option.at === at) : undefined
    for (const candidate of candidatesOf(word.value, attached?.value)) {
      const secrecy = secrecyOf(candidate, word.glob, scope, grounds)
      if (secrecy === undefined) continue
      isHarmless = false
      const isNamed = role === 'name' || role === 'data' || grounds.policy.keyUsers.has(program)
      const isKeyOption = /^-[iI]$/.test(words[at - 1]?.value ?? '')
      if (secrecy === 'secret' && !isNamed && !isKeyOption) findings.push(secretFinding(candidate))
      else if (secrecy === 'secret' || !(role === 'name' || role === 'data'))
        findings.push(privateFinding(candidate))
    }
    if (isHarmless) grounds.harmless?.set(word, scope.cwd)
  }
  if (!reading || reading.refusal !== undefined) return
  judgePatterns(program, words, reading, grounds, findings)
  if (reading.form.operands === 'pattern' || program === 'diff') {
    judgeSearch(program, words, reading, scope, grounds, findings)
  }
}

/** Patterns that the program itself expands: options that say which files are read, git's pathspecs; and what is sought. */
function judgePatterns(
  program: string,
  words: readonly ResolvedWord[],
  { form, given, roles }: Reading,
  { paths }: Grounds,
  findings: Finding[],
): void {
  const patterns: string[] = []
  for (const { name, value } of given) {
    if (namesFiles.has(name) && !value.startsWith('!'))
      patterns.push(...alternatives(name === 'iglob' ? value.toLowerCase() : value))
    const isSought = form.operands === 'pattern' ? /^(?:e|regexp)$/ : /^[SG]$/
    if ((form.operands === 'pattern' || program === 'git') && isSought.test(name)) {
      if (paths.isHunt(value)) findings.push(review('hunt', 'searches for credentials'))
    }
  }
  if (program === 'git') {
    for (let at = 1; at < words.length; at += 1) {
      const word = words[at]
      if (word && roles[at] === 'path' && !word.value.startsWith('-'))
        patterns.push(...pathspec(word.value))
    }
  }
  const found = patterns.find((pattern) => paths.secrecyOfNames(pattern) !== undefined)
  if (found !== undefined)
    findings.push(review('hunt', `searches in files like ${found}, which may hold secrets`))
}

/** The pattern of a git pathspec, without its magic; empty for a plain or an excluding one. */
function pathspec(value: string): string[] {
  const [magic = '', long = ''] = /^:(?:\(([^)]*)\)|[!^/]+)/.exec(value) ?? []
  if (/exclude/.test(long) || (long === '' && /[!^]/.test(magic))) return []
  if (magic === '' && !/[*?[]/.test(value)) return []
  const path = value.slice(magic.length)
  return [/icase/.test(long) ? path.toLowerCase() : path]
}

/** Most patterns that one with braces stands for; of more than that the unexpanded one is judged. */
const mostAlternatives = 16

/** The patterns that one with `{a,b}` stands for. */
function alternatives(pattern: string): string[] {
  const [group, before = '', members = '', after = ''] =
    /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern) ?? []
  if (group === undefined) return [pattern]
  const all = members.split(',').flatMap((member) => alternatives(before + member + after))
  return all.length > mostAlternatives ? [pattern] : all
}

/** A search by content through a whole home directory or system finds credentials whatever it looks for. */
function judgeSearch(
  program: string,
  words: readonly ResolvedWord[],
  { roles }: Reading,
  scope: Scope,
  grounds: Grounds,
  findings: Finding[],
): void {
  if (!searchesBelow(program, words)) return
  const named = words.filter((_, at) => at > 0 && roles[at] === 'path')
  const roots = named.length > 0 ? named : [here]
  const skipsHidden = program === 'rg' && !showsHidden(words)
  for (const { value, glob } of roots) {
    const isRelative = !value.startsWith('/')
    if (scope.isLost && isRelative)
      findings.push(review('lost', 'searches below a directory that is only known when it runs'))
    const cwds = isRelative ? [scope.cwd, ...scope.formerCwds] : [scope.cwd]
    const isWide = cwds.some((cwd) => {
      const path = resolvePath(value, cwd)
      return grounds.paths.isWide(path) && !(skipsHidden && grounds.paths.isHome(path))
    })
    if (isWide || secrecyOf(value, glob, scope, grounds) !== undefined) {
      findings.push(review('wide-search', `searches the content of everything below ${value}`))
    }
  }
}

/** Options that say which files a search reads. */
const namesFiles = new Set(['include', 'glob', 'iglob', 'g', 'G', 'file-search-regex'])
const here = fixedWord('.')

/** Whether a command reads the content of all files below the directories that it names. */
function searchesBelow(program: string, words: readonly ResolvedWord[]): boolean {
  if (/^(?:rg|ag|git)$/.test(program)) return true
  const args = words.slice(1).map(({ value }) => value)
  return (
    hasFlag(args, ['-r', '-R', '--recursive', '--dereference-recursive']) ||
    args.some(
      (arg, at) =>
        /^(?:--directories=|-[A-Za-z]*d)recurse$/.test(arg) ||
        (arg === 'recurse' && /^-(?:-directories|[A-Za-z]*d)$/.test(args[at - 1] ?? '')),
    )
  )
}

/** Whether ripgrep is told to search what begins with a dot, as the credentials in a home directory do. */
function showsHidden(words: readonly ResolvedWord[]): boolean {
  const args = words.slice(1).map(({ value }) => value)
  return (
    hasFlag(args, ['--hidden', '--unrestricted']) || args.some((arg) => /^-[a-zA-Z]*[.u]/.test(arg))
  )
}

/** The directory of git after its own `-C`, the base of later paths. */
function whereGitWorks(words: readonly ResolvedWord[], scope: Scope): Scope {
  let { cwd } = scope
  words.forEach(({ value }, at) => {
    const directory = words[at - 1]?.value === '-C' ? value : /^-C(.+)$/s.exec(value)?.[1]
    if (directory !== undefined) cwd = resolvePath(directory, cwd)
  })
  return cwd === scope.cwd ? scope : { ...scope, cwd }
}

/** The arguments that are text for people or for a search, not operands. */
export function proseOf(
  policy: Policy,
  program: string,
  args: readonly string[],
  reading: Reading | undefined,
): IsProse {
  const roles = reading?.refusal === undefined ? reading?.roles : undefined
  if (roles && roles.length > 0) {
    return (index) => roles[index + 1] === 'data' || roles[index + 1] === 'value'
  }
  const prose = policy.prose.get(program)
  if (!prose) return noProse
  const found = args.map(
    (arg, at) =>
      prose.test(args[at - 1] ?? '') ||
      (/^--?[\w-]+=/.test(arg) && prose.test(arg.slice(0, arg.indexOf('=')))),
  )
  return (index) => found[index] === true
}

/** A pattern that the shell turns into names before a program sees it as data (`echo DIRECTORY/*`). */
function listsNames({ glob, value }: ResolvedWord): boolean {
  return glob && value.includes('/')
}

function looksLikePath({ value, word }: ResolvedWord): boolean {
  return /^[/.]/.test(value) || word.pieces?.[0]?.kind === 'tilde'
}

const mayHoldPath = /[=@:]/

/** A word and what may be a path inside it: after `=`, after `@`, after an attached option letter. */
function candidatesOf(value: string, attached: string | undefined): string[] {
  const isOption = value.startsWith('-')
  if (!isOption && !mayHoldPath.test(value)) return [value]
  const candidates = isOption ? [] : [value]
  if (isOption && attached !== undefined) candidates.push(attached)
  const slash = value.indexOf('/')
  if (isOption && slash > 0) candidates.push(value.slice(slash))
  if (!mayHoldPath.test(value)) return candidates
  const end = Math.min(value.length, 256)
  for (let at = 0; at < end && candidates.length <= 4; at += 1)
    if ('=@:'.includes(value[at] ?? '')) candidates.push(value.slice(at + 1))
  return candidates
}
