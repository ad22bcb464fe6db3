import type { Judgement, TrustLevel } from '@centralpost/shared'
import { looksAtMachine, showsOwners } from './machine-programs.ts'
import { reachesMasked } from './masked-reach.ts'
import type { ConfinedProfile, Profile } from './profiles.ts'
import type { Sandbox } from './sandbox.ts'

export const sandboxModes = ['off', 'auto', 'required'] as const
export type SandboxMode = (typeof sandboxModes)[number]

export interface SandboxSettings {
  /** `auto`: where it works; `required`: what should be confined does not start without it; `off` */
  readonly mode: SandboxMode
  /** of what is SAFE */
  readonly safe: Profile
  /** of what a person has approved */
  readonly review: Profile
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
    if (settings.mode === 'auto') return unconfined(reason)
    return {
      profile,
      reason,
      refusal: `${reason}; execution.sandbox.mode is required`,
      warnings: [],
    }
  }
  const look = isSafe ? looksAtMachine(judged.verdict.units) : null
  const reached = look === null ? null : reachesMasked(judged.verdict.units, judged.cwd, sandbox)
  if (look !== null && reached === null && settings.mode === 'auto') return unconfined(look)
  const warnings: string[] = []
  if (look !== null) warnings.push(`${look}, and in the sandbox it sees only the sandbox's`)
  if (look !== null && reached !== null && settings.mode === 'auto') {
    warnings.push(
      `it stays in the sandbox because "${reached}" may lead to credentials, which are masked there`,
    )
  }
  if (sandbox.userNamespace && showsOwners(judged.verdict.units)) {
    warnings.push('in the sandbox files of other users seem to belong to nobody')
  }
  return { profile, reason: null, refusal: null, warnings }
}

function unconfined(reason: string): ProfileChoice {
  return { profile: 'none', reason, refusal: null, warnings: [] }
}

/** Says a choice in a few words, for who is to approve it. */
export function describeChoice({ profile, reason, refusal }: ProfileChoice): string {
  if (refusal !== null) return `will not start: ${refusal}`
  return profile === 'none' ? `none (${reason ?? 'not confined'})` : profile
}
