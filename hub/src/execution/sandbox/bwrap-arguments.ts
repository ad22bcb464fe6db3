import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type HiddenPlace, hiddenPlaces, keptOfRun, socketPlaces } from './hidden-paths.ts'
import { type ConfinedProfile, profileTraits } from './profiles.ts'
import { isWithin, type Sandbox } from './sandbox.ts'
import { filterFd } from './system-calls.ts'

/** What about one command shapes its sandbox. */
export interface View {
  readonly profile: ConfinedProfile
  readonly cwd: string
  /** What it sees, read-only, of the machine's temporary files; the rest of them it has of its own, empty. */
  readonly shown: readonly string[]
}

/** Directories for temporary files: each command has its own, empty ones. */
export const temporary: readonly string[] = ['/tmp', '/var/tmp']

/**
 * Builds bubblewrap's arguments up to the command.
 *
 * The order is what makes it hold: the whole machine read-only, then what replaces parts of it, then the workspace,
 * then the masks, which nothing may come after. Root keeps the one capability by which it reads and writes files of
 * others as outside; it has no other, for with CAP_SYS_ADMIN it would simply mount everything writable again.
 */
export function bwrapArguments(sandbox: Sandbox, view: View): string[] {
  const { network, workspaceWritable } = profileTraits[view.profile]
  const hidden = hiddenPlaces(sandbox)
  const roots = sandbox.roots.toSorted((a, b) => a.length - b.length)
  const workspace = roots.findLast((root) => isWithin(view.cwd, root))
  const own = workspaceWritable && workspace && isItself(workspace) ? workspace : undefined
  return [
    ...(sandbox.userNamespace ? ['--unshare-user'] : []),
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-cgroup-try',
    ...(network ? [] : ['--unshare-net']),
    ...(sandbox.filtersCalls ? ['--seccomp', String(filterFd)] : []),
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    ...(process.getuid?.() === 0 ? ['--cap-add', 'CAP_DAC_OVERRIDE'] : []),
    '--ro-bind',
    '/',
    '/',
    '--dev',
    '/dev',
    '--proc',
    '/proc',
    // bubblewrap leaves /proc/sys writable to root: by core_pattern alone that is the whole machine
    '--remount-ro',
    '/proc',
    ...temporaryFiles(view),
    ...socketPlaces.filter(isRealDirectory).flatMap((place) => ['--tmpfs', place]),
    ...keptOfRun.flatMap((path) => ['--ro-bind-try', path, path]),
    ...workspaces(roots, own),
    ...(own === undefined ? [] : heldInPlace(own, hidden)),
    ...hidden.flatMap(({ path, isDirectory }) => mask(path, isDirectory)),
    '--chdir',
    view.cwd,
  ]
}

function temporaryFiles({ shown }: View): string[] {
  return [
    ...temporary.filter((path) => existsSync(path)).flatMap((path) => ['--tmpfs', path]),
    ...shown.flatMap(shownAs),
  ]
}

/**
 * A link stays a link. A mount of it would be a mount of what it leads to, taken from outside, where nothing is masked. The
 * sockets of a directory are masked: behind them are servers of the machine (tmux, agents of keys, displays) which start or
 * sign for whoever connects, and to connect nothing need be written.
 */
function shownAs(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isSymbolicLink()) return ['--symlink', readlinkSync(path), path]
  if (!found?.isFile() && !found?.isDirectory()) return []
  const sockets = found.isDirectory() ? socketsIn(path) : []
  return [
    '--ro-bind-try',
    path,
    path,
    ...sockets.flatMap((socket) => ['--ro-bind', '/dev/null', socket]),
  ]
}

function socketsIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isSocket())
      .map(({ name }) => join(directory, name))
  } catch {
    // not to be read by us, and no more by the command
    return []
  }
}

/**
 * The workspace that may be written, and those that would be missing because of what was replaced.
 *
 * @param roots outer ones first: a mount on an inner one would be lost below a later mount on the outer
 */
function workspaces(roots: readonly string[], own: string | undefined): string[] {
  const replaced = [...socketPlaces, ...temporary]
  return roots.filter(isItself).flatMap((root) => {
    if (root === own) return ['--bind', root, root]
    const isGone = replaced.some((place) => isWithin(root, place))
    return isGone ? ['--ro-bind-try', root, root] : []
  })
}

/**
 * The directories between a workspace and what is masked in it, each mounted on itself: what is a mount cannot be moved.
 * Else a command could move a directory with its secret, and the next one would find that where nothing is masked.
 */
function heldInPlace(root: string, hidden: readonly HiddenPlace[]): string[] {
  const between = new Set<string>()
  for (const { path } of hidden) {
    for (let at = dirname(path); at !== root && isWithin(at, root); at = dirname(at))
      between.add(at)
  }
  return [...between]
    .toSorted((a, b) => a.length - b.length)
    .flatMap((path) => ['--bind', path, path])
}

/** Nothing is there, and nothing can be put there that would then be lost. */
function mask(path: string, isDirectory: boolean): string[] {
  if (!isDirectory) return ['--ro-bind', '/dev/null', path]
  return ['--tmpfs', path, '--remount-ro', path]
}

/** Whether a path has not become a link to elsewhere since the hub looked. */
function isItself(path: string): boolean {
  try {
    return realpathSync.native(path) === path
  } catch {
    // gone: nothing to show
    return false
  }
}

/** `/var/run` is a link almost everywhere, and a mount on a link would hide what it leads to twice. */
function isRealDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
