import { CentralPostError } from '@centralpost/shared'
import type { DangerIndex } from './danger-rules.ts'
import { compileDangers } from './danger-rules.ts'
import type { EnvironmentPolicy } from './environment-rules.ts'
import { compileEnvironment } from './environment-rules.ts'
import type { PathPolicy } from './path-rules.ts'
import { compilePaths } from './path-rules.ts'
import type { Form } from './program-rules.ts'
import { compileProgram } from './program-rules.ts'
import type {
  DangerSource,
  KnowledgeSource,
  PatternSource,
  ProgramSource,
  RuleFileSource,
} from './rule-schema.ts'
import type { PatternList } from './string-patterns.ts'
import { compilePatterns, patternsOf } from './string-patterns.ts'
import type { Wrapper } from './wrapper-rules.ts'
import { compileWrapper } from './wrapper-rules.ts'
import type { Floor } from './unwrapped.ts'

/** Everything that a judgement needs, compiled and frozen: the rule file over the knowledge about programs. */
export interface Policy {
  readonly hash: string
  readonly programs: ReadonlyMap<string, readonly Form[]>
  readonly versions: ReadonlySet<string>
  readonly wrappers: ReadonlyMap<string, readonly Wrapper[]>
  readonly paths: (home: string | undefined) => PathPolicy
  readonly environment: EnvironmentPolicy
  /** Options whose value is text for people, by program. */
  readonly prose: ReadonlyMap<string, RegExp>
  readonly shells: ReadonlySet<string>
  readonly interpreters: ReadonlySet<string>
  readonly network: ReadonlySet<string>
  readonly decoders: ReadonlySet<string>
  readonly keyUsers: ReadonlySet<string>
  /** Programs that tell of the machine itself. */
  readonly machine: ReadonlySet<string>
  readonly blocked: DangerIndex
  readonly review: DangerIndex
  readonly risks: DangerIndex
  readonly safePatterns: PatternList
  readonly reviewPatterns: PatternList
  readonly blockedPatterns: PatternList
  /** Whether the reading form of a known program is SAFE, or only with a pattern that says so too. */
  readonly knownPrograms: 'safe' | 'vouch'
  readonly sudo: Floor
}

/** Compiles a checked rule file over the checked knowledge files. */
export function compilePolicy(
  rules: RuleFileSource,
  knowledge: readonly KnowledgeSource[],
  hash: string,
): Policy {
  const sets = new Map(knowledge.flatMap((file) => Object.entries(file.sets ?? {})))
  const set = (name: string): ReadonlySet<string> => new Set(sets.get(name))
  const programs = formsOf(knowledge.flatMap((file) => file.programs ?? []))
  // The rule file's entry for a program replaces the known one.
  for (const [name, forms] of formsOf(rules.safe.filter(isProgram))) programs.set(name, forms)
  return {
    hash,
    programs,
    versions: new Set(knowledge.flatMap((file) => file.versions ?? [])),
    wrappers: wrappersOf(rules, knowledge),
    paths: compilePaths(only(knowledge, 'paths')),
    environment: compileEnvironment(only(knowledge, 'environment')),
    prose: new Map(
      knowledge
        .flatMap((file) => Object.entries(file.prose ?? {}))
        .flatMap(([names, regex]) => names.split(' ').map((name) => [name, new RegExp(regex)])),
    ),
    shells: set('shells'),
    interpreters: set('interpreters'),
    network: set('network'),
    decoders: set('decoders'),
    keyUsers: set('key_users'),
    machine: set('machine'),
    blocked: compileDangers(rules.blocked.filter(isDanger)),
    review: compileDangers(rules.review.filter(isDanger)),
    risks: compileDangers(knowledge.flatMap((file) => file.risks ?? [])),
    safePatterns: compilePatterns(patternsOf(rules.safe), 'safe', false),
    reviewPatterns: compilePatterns(patternsOf(rules.review), 'review', true),
    blockedPatterns: compilePatterns(patternsOf(rules.blocked), 'blocked', true),
    knownPrograms: rules.known_programs ?? 'vouch',
    sudo: rules.sudo ?? 'review',
  }
}

function isProgram(rule: string | PatternSource | ProgramSource): rule is ProgramSource {
  return typeof rule !== 'string' && 'program' in rule
}

function isDanger(rule: string | PatternSource | DangerSource): rule is DangerSource {
  return typeof rule !== 'string' && 'id' in rule
}

function formsOf(sources: readonly ProgramSource[]): Map<string, Form[]> {
  const programs = new Map<string, Form[]>()
  for (const source of sources) {
    const [names, form] = compileProgram(source)
    for (const name of names) programs.set(name, [...(programs.get(name) ?? []), form])
  }
  return programs
}

function wrappersOf(
  rules: RuleFileSource,
  knowledge: readonly KnowledgeSource[],
): ReadonlyMap<string, readonly Wrapper[]> {
  const wrappers = new Map<string, Wrapper[]>()
  for (const source of [
    ...(rules.wrappers ?? []),
    ...knowledge.flatMap((file) => file.wrappers ?? []),
  ]) {
    const [names, wrapper] = compileWrapper(source)
    for (const name of names) wrappers.set(name, [...(wrappers.get(name) ?? []), wrapper])
  }
  return wrappers
}

function only<K extends 'paths' | 'environment'>(
  knowledge: readonly KnowledgeSource[],
  key: K,
): NonNullable<KnowledgeSource[K]> {
  for (const file of knowledge) {
    const value = file[key]
    if (value) return value
  }
  throw new CentralPostError(
    'invalid_config',
    `no knowledge file says "${key}:"; reinstall centralpost`,
  )
}
