import type { PathPolicy } from './paths.ts'
import type { Policy } from './policy.ts'
import type { Lookups, ResolvedWord } from './resolve-words.ts'

/** What a judgement stands on. */
export interface Grounds {
  readonly policy: Policy
  readonly paths: PathPolicy
  readonly home: string | undefined
  /** Files and directories of the hub itself. */
  readonly protectedPaths: readonly string[]
  /** Words found to name no secret, with the directory they were seen from: each layer of wrapping shows them again. */
  readonly harmless: Map<ResolvedWord, string | undefined>
}

/** Where a command stands. */
export interface Scope {
  cwd: string | undefined
  /** After a `cd` to a directory that is only known when it runs. */
  isLost: boolean
  readonly assigned: Map<string, string>
  readonly functions: Set<string>
  /** The command whose output this one reads. */
  upstream: readonly ResolvedWord[] | undefined
  /** Programs earlier in the same pipeline. */
  pipeline: readonly string[]
  depth: number
}

/** How a command comes to be run: by itself, or by a wrapper that adds names. */
export interface Via {
  readonly layers: number
  readonly appends: boolean
  /** Whether the names that are added lie below the working directory; asked only where it matters. */
  readonly contained: () => boolean
  readonly isXargs: boolean
}

export const direct: Via = { layers: 0, appends: false, contained: () => false, isXargs: false }

export function newScope(cwd: string | undefined): Scope {
  return {
    cwd,
    isLost: false,
    assigned: new Map(),
    functions: new Set(),
    upstream: undefined,
    pipeline: [],
    depth: 0,
  }
}

export function copyOf(scope: Scope): Scope {
  return { ...scope }
}

/** What is known about variables where a command stands. */
export function lookupsAt({ cwd, assigned }: Scope, { home, policy }: Grounds): Lookups {
  return {
    home,
    cwd,
    assigned,
    isKnown: (name) => policy.environment.isKnown(name) && !assigned.has(name),
    isSecret: (name) => policy.environment.isSecret(name),
  }
}
