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
   * `auto`: SAFE commands run confined, and need approval where that is impossible; `required`:
   * commands that must be sandboxed are refused without it; `off`
   */
  readonly mode: SandboxMode
  /** of SAFE commands */
  readonly safe: (typeof profiles)[number]
  /** of approved commands */
  readonly review: (typeof profiles)[number]
}

/** The sandbox features of this machine. */
export interface SandboxStanding {
  readonly sandbox: Sandbox | null
  /** why a profile is unavailable */
  readonly missing: Readonly<Record<ConfinedProfile, string>>
}

/** A judged command, with its directory. */
export interface JudgedCommand extends Judgement {
  /** its effective level: a command cleared as REVIEW stays REVIEW, whatever the rules now say */
  readonly level: TrustLevel
  readonly cwd: string
}

/** The profile of one command, chosen before its start. */
export interface ProfileChoice {
  readonly profile: Profile
  /** why its confinement is absent or weaker; null without a remark */
  readonly reason: string | null
  /** why it may not be started */
  readonly refusal: string | null
  /** why it needs approval although it is SAFE; a caller that cannot ask must refuse it */
  readonly ask: string | null
  /** the visible part of the directories for temporary files */
  readonly shown: readonly string[]
  /** warnings for the reader of the result */
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
    return unconfined(`${isSafe ? 'SAFE' : 'approved'} commands are not confined`)
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

/**
 * A SAFE command that reports on the machine is shown just the necessary part of it, where
 * possible.
 */
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
      ? ['in the sandbox, files of other users appear to belong to nobody']
      : []
  const warnings = [...inside.warnings, ...owners]
  if (need === null) return { ...inside, warnings: [...warnings, ...own(inside.profile, paths)] }
  const what = `it reports on the machine's ${need.what}`
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

/** Omissions even in a view of the machine. */
function partsNotShown(
  parts: readonly Part[],
  needs: readonly Need[],
  shown: Need,
  { userNamespace }: Sandbox,
): string[] {
  const said = parts.map(shortcomingOf).filter((text) => text !== null)
  const isOfProcesses = shown.of === 'processes' || shown.of === 'network'
  if (isOfProcesses && needs.some(({ of }) => of === 'mounts')) {
    said.push("the reported mounts are the sandbox's: request this command alone")
  }
  if (shown.of !== 'files' && needs.some(({ of }) => of === 'files')) {
    said.push(
      "the reported temporary files and devices are the sandbox's: request this command alone",
    )
  }
  if (isOfProcesses && userNamespace)
    said.push('processes of other users appear to belong to nobody')
  return [...new Set(said)]
}

/** Warnings for a command with its own directories for temporary files. */
function own(profile: Profile, paths: readonly string[]): string[] {
  const named = temporary.filter((place) =>
    paths.some((path) => path === place || path.startsWith(`${place}/`)),
  )
  if (named.length === 0 || profile === 'none') return []
  return [
    `in the sandbox ${named.join(' and ')} contained only the paths named by the command, ` +
      'read-only; its own files there are gone',
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
  return { ...refused(profile, `${ask}; it needs approval`), ask }
}

/** Describes a choice in a few words, for the approver. */
export function describeChoice({ profile, reason, refusal }: ProfileChoice): string {
  if (refusal !== null) return `will not start: ${refusal}`
  return profile === 'none' ? `none (${reason ?? 'not confined'})` : profile
}
