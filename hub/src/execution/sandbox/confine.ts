import { basename, delimiter, isAbsolute } from 'node:path'
import { infoFd } from '../runner/pid-namespace.ts'
import { HandedBytes } from '../runner/handed-bytes.ts'
import type { ProcessStart } from '../runner/run-process.ts'
import { bwrapArguments, temporary } from './bwrap-arguments.ts'
import { homeSecrets, socketPlaces } from './hidden-paths.ts'
import { type LimitGroup, limiting, type ResourceLimits } from './limits.ts'
import type { Profile } from './profiles.ts'
import { isWithin, type Sandbox } from './sandbox.ts'
import { systemCallFilter } from './system-calls.ts'

const calls = systemCallFilter()
const filter = calls === null ? null : new HandedBytes(calls)

/** How one command is to be confined, decided before it is started. */
export interface Confinement {
  readonly profile: Profile
  readonly sandbox: Sandbox | null
  readonly limits: ResourceLimits
  readonly group: LimitGroup | null
}

/** A start that is confined, and what has to be known about it afterwards. */
export interface Confined {
  readonly start: ProcessStart
  /**
   * Whether the process that is started is bubblewrap. Then a SIGTERM is for its descendants only (bubblewrap itself
   * would take all of them down without their grace), everything ends when it ends, and a signal shows as an exit
   * code of 128 and its number.
   */
  readonly isWrapped: boolean
  /** what the command does not see although its words name it */
  readonly warnings: readonly string[]
}

/** Rewrites a start so that the command runs inside its profile and limits. It starts nothing and changes nothing. */
export function confine(start: ProcessStart, confinement: Confinement): Confined {
  const { profile, sandbox, limits, group } = confinement
  const isWrapped = profile !== 'none' && sandbox !== null
  if (profile !== 'none' && sandbox === null) {
    throw new TypeError(`profile ${profile} without a sandbox`)
  }
  const text = start.args.join(' ')
  const view = { profile, cwd: start.cwd, shown: namedTemporary(text) }
  const inside = isWrapped
    ? wrapped(start, sandbox, bwrapArguments(sandbox, { ...view, profile }))
    : start
  return {
    start: limited(inside, limits, group),
    isWrapped,
    warnings: isWrapped ? hiddenFrom(text, sandbox) : [],
  }
}

function wrapped(start: ProcessStart, sandbox: Sandbox, args: readonly string[]): ProcessStart {
  const named = sandbox.takesArgv0 ? ['--argv0', start.argv0] : []
  const program = sandbox.takesArgv0 ? start.file : callable(start)
  // `bash -c` calls itself by the word after the script
  const isScript = start.args.at(-2) === '-c' && basename(start.file) === 'bash'
  const rest = isScript ? [...start.args, start.argv0] : start.args
  return {
    file: sandbox.bwrap,
    argv0: 'bwrap',
    args: ['--info-fd', String(infoFd), ...args, ...named, '--', program, ...rest],
    cwd: start.cwd,
    env: withTemporary(start.env),
    namesInit: true,
    filter: sandbox.filtersCalls ? filter : null,
  }
}

/**
 * The word by which an older bubblewrap calls a program: its bare name, which programs print in their messages, where
 * a search finds the same file inside as it did outside; else the path. A bare name needs a PATH of absolute folders.
 */
function callable(start: ProcessStart): string {
  const { file, argv0, env } = start
  const isBare = !argv0.includes('/') && basename(file) === argv0 && argv0 !== 'bash'
  const isSure = (env['PATH'] ?? '').split(delimiter).every((folder) => isAbsolute(folder))
  const isThere = ![...temporary, ...socketPlaces].some((place) => isWithin(file, place))
  return isBare && isSure && isThere ? argv0 : file
}

/** Temporary files go where the command can write. */
function withTemporary(env: ProcessStart['env']): ProcessStart['env'] {
  return env['TMPDIR'] === undefined ? env : { ...env, TMPDIR: '/tmp' }
}

/** The entries of directories for temporary files that a command names, each as a whole. */
function namedTemporary(text: string): string[] {
  const named = text.matchAll(/(?<![\w./-])\/(?:var\/)?tmp\/[\w.@%+=:,-]+/g)
  return [...new Set([...named].map(([path]) => path))].filter((path) => !/\/\.\.?$/.test(path))
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

function hiddenFrom(text: string, sandbox: Sandbox): string[] {
  const named = [
    ...[...socketPlaces, ...sandbox.hidden].filter((place) => namesPath(text, [place])),
    ...homeSecrets.filter((name) => text.includes(`/${name}`)).map((name) => `~/${name}`),
  ]
  const said: string[] = []
  if (named.length > 0) {
    said.push(
      `the sandbox shows nothing of ${named.join(', ')}: what it says of that may not be so`,
    )
  }
  const own = temporary.filter((place) => namesPath(text, [place]))
  if (own.length > 0) {
    said.push(
      `in the sandbox ${own.join(' and ')} held only what the command names, read-only; what it wrote there is gone`,
    )
  }
  return said
}

/** Whether a text names one of these directories or something in it. */
function namesPath(text: string, directories: readonly string[]): boolean {
  return directories.some((directory) => {
    for (let at = text.indexOf(directory); at !== -1; at = text.indexOf(directory, at + 1)) {
      const before = text[at - 1] ?? ' '
      const after = text[at + directory.length] ?? ' '
      if (!/[\w.-]/.test(before) && !/[\w.-]/.test(after)) return true
    }
    return false
  })
}
