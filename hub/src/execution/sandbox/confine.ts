import { basename, delimiter, isAbsolute } from 'node:path'
import { HandedBytes } from '../handed-bytes.ts'
import { becomesAnother, bwrapArguments, temporary, type SandboxView } from './bwrap-arguments.ts'
import { socketPlaces } from './hidden-paths.ts'
import { type LimitGroup, limiting, type ResourceLimits } from './limits.ts'
import { asAnother, withoutCode } from './machine-start.ts'
import { type CallFilter, type Profile, profileTraits, sharesProcesses } from './profiles.ts'
import type { RunMark } from './run-mark.ts'
import type { Sandbox } from './sandbox.ts'
import { systemCallFilter } from './system-calls.ts'
import { type ProcessStart, infoFd } from '../process-start.ts'
import { isWithin } from '@centralpost/shared/light'

/** The confinement of one command, decided before its start. */
export interface Confinement {
  readonly profile: Profile
  readonly sandbox: Sandbox | null
  /** the visible part of the directories for temporary files */
  readonly shown: readonly string[]
  readonly mark: RunMark
  readonly limits: ResourceLimits
  readonly group: LimitGroup | null
}

/** A confined start, with facts needed after its end. */
export interface Confined {
  readonly start: ProcessStart
  /**
   * Whether the started process is bubblewrap. SIGTERM then goes to its descendants only
   * (bubblewrap itself would end them without their grace), and a signal appears as an exit code of
   * 128 plus its number.
   */
  readonly isWrapped: boolean
  /** Whether the kernel ends the whole tree with it. */
  readonly endsWhole: boolean
}

/** Rewrites a start so that the command runs inside its profile and limits. Has no side effects. */
export function confine(start: ProcessStart, confinement: Confinement): Confined {
  const { profile, sandbox, limits, group, shown, mark } = confinement
  if (profile === 'none') {
    return { start: limited(start, limits, group), isWrapped: false, endsWhole: false }
  }
  if (sandbox === null) throw new TypeError(`profile ${profile} without a sandbox`)
  const { temporaryBytes } = limits
  const inside = wrapped(start, sandbox, { profile, cwd: start.cwd, shown, mark, temporaryBytes })
  return {
    start: limited(inside, limits, group),
    isWrapped: true,
    endsWhole: !sharesProcesses(profileTraits[profile]),
  }
}

function wrapped(start: ProcessStart, sandbox: Sandbox, view: SandboxView): ProcessStart {
  const traits = profileTraits[view.profile]
  const isAnother = sharesProcesses(traits) && becomesAnother(sandbox)
  const takesName = sandbox.takesArgv0 && !isAnother
  const named = takesName ? ['--argv0', start.argv0] : []
  const program = takesName ? start.file : callable(start)
  // `bash -c` takes its name from the word after the script
  const isScript = start.args.at(-2) === '-c' && basename(start.file) === 'bash'
  const rest = isScript ? [...start.args, start.argv0] : start.args
  const inside = [
    sandbox.bwrap,
    '--info-fd',
    String(infoFd),
    ...bwrapArguments(sandbox, view),
    ...named,
    '--',
    ...(isAnother ? asAnother(sandbox) : []),
    program,
    ...rest,
  ]
  const [file = '', ...args] = traits.machine === null ? inside : withoutCode(sandbox, inside)
  return {
    file,
    argv0: basename(file),
    args,
    cwd: start.cwd,
    env: withTemporary(start.env, view),
    namesInit: true,
    filter: sandbox.filtersCalls ? filterOf(traits.filter) : null,
  }
}

const filters = new Map<CallFilter, HandedBytes | null>()

function filterOf(kind: CallFilter): HandedBytes | null {
  const known = filters.get(kind)
  if (known !== undefined) return known
  const calls = systemCallFilter(kind)
  const filter = calls === null ? null : new HandedBytes(calls)
  filters.set(kind, filter)
  return filter
}

/**
 * argv[0] for an older bubblewrap: the bare name, which programs print in messages, if PATH finds
 * the same file inside as outside; else the path. A bare name needs a PATH of absolute folders.
 */
function callable(start: ProcessStart): string {
  const { file, argv0, env } = start
  const isBare = !argv0.includes('/') && basename(file) === argv0 && argv0 !== 'bash'
  const isSure = (env['PATH'] ?? '').split(delimiter).every((folder) => isAbsolute(folder))
  const isThere = ![...temporary, ...socketPlaces].some((place) => isWithin(file, place))
  return isBare && isSure && isThere ? argv0 : file
}

/** Temporary files go to a writable directory. */
function withTemporary(env: ProcessStart['env'], { profile }: SandboxView): ProcessStart['env'] {
  if (profileTraits[profile].machine === 'files') return { ...env, TMPDIR: '/dev/shm' }
  return env['TMPDIR'] === undefined ? env : { ...env, TMPDIR: '/tmp' }
}

function limited(
  start: ProcessStart,
  limits: ResourceLimits,
  group: LimitGroup | null,
): ProcessStart {
  const wrapper = limiting(limits, group)
  if (wrapper === null) return start
  const { file, argv0, args } = start
  return {
    ...start,
    file: wrapper.file,
    argv0: 'bash',
    args: [...wrapper.args, argv0, file, ...args],
  }
}
