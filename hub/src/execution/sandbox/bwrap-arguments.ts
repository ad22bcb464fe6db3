import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type HiddenPlace, hiddenPlaces, keptOfRun, socketPlaces } from './hidden-paths.ts'
import { deviceArguments, pipesIn, procArguments, sizeOf } from './machine-view.ts'
import { type ConfinedProfile, profileTraits, sharesProcesses } from './profiles.ts'
import { runMarkPath, type RunMark } from './run-mark.ts'
import type { Sandbox } from './sandbox.ts'
import { filterFd } from './system-calls.ts'
import { isWithin } from '@centralpost/shared/light'

/** What about one command shapes its sandbox. */
export interface View {
  readonly profile: ConfinedProfile
  readonly cwd: string
  /** What it sees, read-only, of the machine's temporary files; the rest of them it has of its own, empty. */
  readonly shown: readonly string[]
  /** By what its processes are known where the machine's are in sight. */
  readonly mark: RunMark
  /** How much it may keep in each directory that lies in memory; absent: as much as the system lets it. */
  readonly temporaryBytes?: number | undefined
}

/** Directories for temporary files: each command has its own, empty ones. */
export const temporary: readonly string[] = ['/tmp', '/var/tmp']

/** What is needed to become a user of its own, and is given up with that. */
const toBecomeAnother = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP']

/**
 * Builds bubblewrap's arguments up to the command.
 *
 * The order is what makes it hold: the whole machine read-only, then what replaces parts of it, then the workspace,
 * then the masks, which nothing may come after. Root keeps the one capability by which it reads and writes files of
 * others as outside; it has no other, for with CAP_SYS_ADMIN it would simply mount everything writable again.
 */
export function bwrapArguments(sandbox: Sandbox, view: View): string[] {
  const traits = profileTraits[view.profile]
  const { network, workspaceWritable, machine } = traits
  const isShared = sharesProcesses(traits)
  const hidden = hiddenPlaces(sandbox)
  const roots = sandbox.roots.toSorted((a, b) => a.length - b.length)
  const workspace = roots.findLast((root) => isWithin(view.cwd, root))
  const own = workspaceWritable && workspace && isItself(workspace) ? workspace : undefined
  const capabilities = [
    ...(process.getuid?.() === 0 ? ['CAP_DAC_OVERRIDE'] : []),
    // what the kernel says is for root alone on most machines
    ...(isRoot(sandbox) && machine === 'files' ? ['CAP_SYSLOG'] : []),
    ...(isShared && becomesAnother(sandbox) ? toBecomeAnother : []),
  ]
  return [
    ...ofUsers(sandbox, view.profile),
    ...(isShared ? [] : ['--unshare-pid', '--unshare-cgroup-try']),
    '--unshare-ipc',
    '--unshare-uts',
    ...(network || machine === 'network' ? [] : ['--unshare-net']),
    ...(sandbox.filtersCalls ? ['--seccomp', String(filterFd)] : []),
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    ...capabilities.flatMap((name) => ['--cap-add', name]),
    '--ro-bind',
    '/',
    '/',
    ...deviceArguments(machine),
    ...memory(sandbox, view, '/dev/shm', machine === 'mounts'),
    ...(isShared ? ['--tmpfs', runMarkPath(view.mark)] : []),
    ...(machine === 'files' || machine === 'mounts' ? [] : ['--remount-ro', '/dev']),
    ...procArguments(machine),
    ...temporaryFiles(sandbox, view),
    ...socketPlaces
      .filter(isRealDirectory)
      .flatMap((place) => memory(sandbox, view, place, machine === 'mounts')),
    ...keptOfRun.flatMap((path) => ['--ro-bind-try', path, path]),
    ...workspaces(roots, own),
    ...(own === undefined
      ? roots.flatMap((root) => pipesIn(root)).flatMap((path) => mask(path, false))
      : []),
    ...(own === undefined ? [] : heldInPlace(own, hidden)),
    ...hidden.flatMap(({ path, isDirectory }) => mask(path, isDirectory)),
    ...(machine === 'mounts' ? asLarge().flatMap((path) => ['--remount-ro', path]) : []),
    '--chdir',
    view.cwd,
  ]
}

/** Whether it is root outside of any namespace of its own. */
function isRoot({ userNamespace }: Sandbox): boolean {
  return process.getuid?.() === 0 && !userNamespace
}

/** Whether what sees the machine's processes runs as a user of its own, and not in a user namespace. */
export function becomesAnother({ userNamespace, machine }: Sandbox): boolean {
  return !userNamespace && machine !== null && machine.setpriv !== null
}

function ofUsers(sandbox: Sandbox, profile: ConfinedProfile): string[] {
  const traits = profileTraits[profile]
  const isNeeded = sharesProcesses(traits) && !becomesAnother(sandbox)
  if (!sandbox.userNamespace && !isNeeded) return []
  // inside the namespace in which mounts were made it would be root
  const [uid, gid] = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)]
  return ['--unshare-user', ...(traits.machine === null ? [] : ['--uid', uid, '--gid', gid])]
}

/**
 * A directory in memory, empty, of a bounded size.
 *
 * @param isAsLarge whether it tells of the size that the machine's has
 */
function memory(sandbox: Sandbox, view: View, path: string, isAsLarge: boolean): string[] {
  const told = isAsLarge ? sizeOf(path) : null
  const bytes = told ?? view.temporaryBytes
  const size = sandbox.takesSize && bytes ? ['--size', String(bytes)] : []
  return [...size, '--tmpfs', path]
}

/** What is as large as the machine's must not be filled. */
function asLarge(): string[] {
  return ['/dev/shm', ...temporary, ...socketPlaces.filter(isRealDirectory)].filter(
    (path) => sizeOf(path) !== null,
  )
}

function temporaryFiles(sandbox: Sandbox, view: View): string[] {
  const there = temporary.filter((path) => existsSync(path))
  const { machine } = profileTraits[view.profile]
  if (machine === 'files') {
    const closed = there.flatMap((path) => [...pipesIn(path), ...ticketsIn(path)])
    return closed.flatMap((path) => mask(path, false))
  }
  return [
    ...there.flatMap((path) => memory(sandbox, view, path, machine === 'mounts')),
    ...view.shown.flatMap(shownAs),
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
  if (isTicket(path) || (!found?.isFile() && !found?.isDirectory())) return []
  const sockets = found.isDirectory() ? [...socketsIn(path), ...pipesIn(path)] : []
  return [
    '--ro-bind-try',
    path,
    path,
    ...sockets.flatMap((socket) => ['--ro-bind', '/dev/null', socket]),
  ]
}

/** Kerberos keeps what proves who somebody is among the temporary files. */
function isTicket(path: string): boolean {
  return basename(path).startsWith('krb5cc')
}

function ticketsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter(isTicket)
    .map((name) => join(directory, name))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile())
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
export function isItself(path: string): boolean {
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
