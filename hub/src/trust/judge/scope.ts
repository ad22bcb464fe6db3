import type { PathPolicy } from '../rules/path-rules.ts'
import type { Policy } from '../rules/policy.ts'
import type { Lookups, ResolvedWord } from '../shell/resolve-words.ts'
import type { Added } from '../rules/added.ts'

/** The basis of a judgement. */
export interface Grounds {
  readonly policy: Policy
  readonly paths: PathPolicy
  readonly home: string | undefined
  /** Files and directories of the hub itself. */
  readonly protectedPaths: readonly string[]
  /** Words found to name no secret, with the directory they were seen from; kept once wrappers show them again. */
  harmless: Map<ResolvedWord, string | undefined> | undefined
}

/** The scope of a command. */
export interface Scope {
  cwd: string | undefined
  /** Directories with secrets where it may still stand, because a `cd` can fail. */
  formerCwds: readonly string[]
  /** After a `cd` to a directory that is only known when it runs. */
  isLost: boolean
  readonly assigned: Map<string, string>
  /** The values of the variables of surrounding loops, one at a time. */
  readonly looped: Map<string, ResolvedWord>
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
  /** The words that an outer wrapper adds to this command. */
  readonly added: Added | undefined
  /** Whether a wrapper outside takes variables out of the environment. */
  readonly strips: boolean
  /** Whether the names that are added lie below the working directory; asked only where it matters. */
  readonly contained: () => boolean
}

export const direct: Via = {
  layers: 0,
  added: undefined,
  strips: false,
  contained: () => false,
}

export function newScope(cwd: string | undefined): Scope {
  return {
    cwd,
    formerCwds: [],
    isLost: false,
    assigned: new Map(),
    looped: new Map(),
    functions: new Set(),
    upstream: undefined,
    pipeline: [],
    depth: 0,
  }
}

export function copyOf(scope: Scope): Scope {
  return { ...scope }
}

/** The known variables of a command's scope. */
export function lookupsAt(
  { cwd, formerCwds, assigned, looped }: Scope,
  { home, policy }: Grounds,
): Lookups {
  return {
    home,
    // a `cd` that fails leaves `$PWD` what it was
    cwd: formerCwds.length > 0 ? undefined : cwd,
    assigned,
    looped,
    isKnown: (name) => policy.environment.isKnown(name) && !assigned.has(name),
    isSecret: (name) => policy.environment.isSecret(name),
  }
}
