import type { Judgement, Part, TrustLevel } from '@centralpost/shared'
import { isWithin } from '@centralpost/shared/light'
import { temporary } from './bwrap-arguments.ts'
import { hiddenNames } from './hidden-names.ts'
import { type Need, needOf, shortcomingOf, widest } from './machine-programs.ts'
import { namedTemporary, pathsOf } from './named-paths.ts'
import { isFileless, isPlain } from './plain-parts.ts'
import type { ConfinedProfile, Profile, profiles } from './profiles.ts'
import type { Sandbox } from './sandbox.ts'

export const sandboxModes = ['off', 'auto', 'required'] as const
export type SandboxMode = (typeof sandboxModes)[number]

export interface SandboxSettings {
  /**
   * `auto`: what is SAFE runs confined, and where that cannot be had a person is asked; `required`: what should be
   * confined does not start without it; `off`
   */
  readonly mode: SandboxMode
  /** of what is SAFE */
  readonly safe: (typeof profiles)[number]
  /** of what a person has approved */
  readonly review: (typeof profiles)[number]
}

/** What this machine offers of it. */
export interface SandboxStanding {
  readonly sandbox: Sandbox | null
  /** why a profile is not to be had */
  readonly missing: Readonly<Record<ConfinedProfile, string>>
}

/** A command as it was judged, and where it was asked to run. */
export interface JudgedCommand extends Judgement {
  /** the level that it runs under: a person has cleared what is REVIEW, whatever the rules call it by now */
  readonly level: TrustLevel
  readonly cwd: string
}

/** The profile that one command runs in, decided before it starts. */
export interface ProfileChoice {
  readonly profile: Profile
  /** why it is not confined as it might be; null where there is nothing to say */
  readonly reason: string | null
  /** why it may not be started at all */
  readonly refusal: string | null
  /** why a person has to clear it although it is SAFE; then it is refused as well, for who does not ask */
  readonly ask: string | null
  /** what of the directories for temporary files it is shown */
  readonly shown: readonly string[]
  /** what its reader should know */
  readonly warnings: readonly string[]
}

/** Chooses the profile of a judged command. */
export function chooseProfile(
  judged: JudgedCommand,
  settings: SandboxSettings,
  standing: SandboxStanding,
): ProfileChoice {
  if (settings.mode === 'off') return unconfined('the sandbox is switched off')
  const isSafe = judged.level === 'SAFE'
  const profile = isSafe ? settings.safe : settings.review
  if (profile === 'none') {
    return unconfined(
      `commands ${isSafe ? 'that are SAFE' : 'that a person clears'} are not confined`,
    )
  }
  const { sandbox, missing } = standing
  if (sandbox === null || !sandbox.available.includes(profile)) {
    const reason = `no ${profile} here: ${missing[profile]}`
    if (settings.mode === 'required') {
      return refused(profile, `${reason}; execution.sandbox.mode is required`)
    }
    if (!isSafe) return unconfined(reason)
    const isHarmless = judged.isWhole && judged.parts.length > 0 && judged.parts.every(isFileless)
    return isHarmless ? unconfined(reason) : asked(profile, `${reason}, and it may read files`)
  }
  const shown = namedTemporary(judged.parts, temporary, sandbox.roots)
  const inside = { profile, reason: null, refusal: null, ask: null, shown }
  const named = judged.parts.flatMap(pathsOf)
  const warnings = hiddenNames(named, judged.cwd, sandbox)
  const paths = named.filter((path) => !sandbox.roots.some((root) => isWithin(path, root)))
  if (!isSafe) return { ...inside, warnings: [...warnings, ...own(profile, paths)] }
  return shownMachine(judged, sandbox, { ...inside, warnings }, paths)
}

/** What is SAFE and tells of the machine is shown just what it needs of it, as far as that can be done. */
function shownMachine(
  { parts, isWhole }: JudgedCommand,
  sandbox: Sandbox,
  inside: ProfileChoice,
  paths: readonly string[],
): ProfileChoice {
  const needs = parts.map(needOf).filter((need) => need !== null)
  const need = widest(needs)
  const owners =
    sandbox.userNamespace && parts.some(showsOwners)
      ? ['in the sandbox files of other users seem to belong to nobody']
      : []
  const warnings = [...inside.warnings, ...owners]
  if (need === null) return { ...inside, warnings: [...warnings, ...own(inside.profile, paths)] }
  const what = `it tells of the machine's ${need.what}`
  if (need.of === 'service') {
    return asked(inside.profile, `${what}, which no sandbox can show without giving it away`)
  }
  const profile = `machine-${need.of}` as const
  const isShown = isWhole && parts.every(isPlain) && sandbox.available.includes(profile)
  if (!isShown) {
    const said = `${what}, and in the sandbox it sees only the sandbox's`
    return { ...inside, warnings: [...warnings, ...own(inside.profile, paths), said] }
  }
  return {
    ...inside,
    profile,
    reason: what,
    warnings: [...warnings, ...partsNotShown(parts, needs, need, sandbox)],
  }
}

/** What even a view of the machine leaves out. */
function partsNotShown(
  parts: readonly Part[],
  needs: readonly Need[],
  shown: Need,
  { userNamespace }: Sandbox,
): string[] {
  const said = parts.map(shortcomingOf).filter((text) => text !== null)
  const isOfProcesses = shown.of === 'processes' || shown.of === 'network'
  if (isOfProcesses && needs.some(({ of }) => of === 'mounts')) {
    said.push("the mounts that it tells of are the sandbox's: ask for these by themselves")
  }
  if (shown.of !== 'files' && needs.some(({ of }) => of === 'files')) {
    said.push(
      "the temporary files and devices that it tells of are the sandbox's: ask for these by themselves",
    )
  }
  if (isOfProcesses && userNamespace) said.push('processes of other users seem to be of nobody')
  return [...new Set(said)]
}

/** What is said where a command has directories for temporary files of its own. */
function own(profile: Profile, paths: readonly string[]): string[] {
  const named = temporary.filter((place) =>
    paths.some((path) => path === place || path.startsWith(`${place}/`)),
  )
  if (named.length === 0 || profile === 'none') return []
  return [
    `in the sandbox ${named.join(' and ')} held only what the command names, read-only; what it wrote there is gone`,
  ]
}

/** Whether it prints owners, which a user namespace hides. */
function showsOwners({ program, words }: Part): boolean {
  const args = words.slice(1).map(({ value }) => value)
  const has = (letters: RegExp): boolean => args.some((value) => letters.test(value))
  if (program === 'stat' || program === 'getfacl') return true
  if (program === 'ls') return has(/^-\w*[lnog]/)
  if (program === 'tree') return has(/^-\w*[ug]/)
  if (program === 'tar') return has(/^-?\w*v/)
  return program === 'find' && has(/^-(?:ls|printf|user|group|uid|gid|nouser|nogroup)$/)
}

function unconfined(reason: string): ProfileChoice {
  return { profile: 'none', reason, refusal: null, ask: null, shown: [], warnings: [] }
}

function refused(profile: Profile, refusal: string): ProfileChoice {
  return { profile, reason: null, refusal, ask: null, shown: [], warnings: [] }
}

function asked(profile: Profile, ask: string): ProfileChoice {
  return { ...refused(profile, `${ask}; a person must clear it`), ask }
}

/** Says a choice in a few words, for who is to approve it. */
export function describeChoice({ profile, reason, refusal }: ProfileChoice): string {
  if (refusal !== null) return `will not start: ${refusal}`
  return profile === 'none' ? `none (${reason ?? 'not confined'})` : profile
}
