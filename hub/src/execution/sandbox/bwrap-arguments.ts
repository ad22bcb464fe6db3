import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type HiddenPlace, hiddenPlaces, keptOfRun, socketPlaces } from './hidden-paths.ts'
import { deviceArguments, pipesIn, procArguments, sizeOf } from './machine-view.ts'
import { type ConfinedProfile, profileTraits, sharesProcesses } from './profiles.ts'
import { runMarkPath, type RunMark } from './run-mark.ts'
import type { Sandbox } from './sandbox.ts'
import { filterFd } from './system-calls.ts'
import { isWithin } from '@centralpost/shared/light'

/** Properties of one command that shape its sandbox. */
export interface SandboxView {
  readonly profile: ConfinedProfile
  readonly cwd: string
  /**
   * The machine's temporary files that it sees, read-only; otherwise it has its own, empty
   * directories.
   */
  readonly shown: readonly string[]
  /** The mark of its processes where the machine's processes are visible. */
  readonly mark: RunMark
  /** Size limit of each in-memory directory; absent: the system's. */
  readonly temporaryBytes?: number | undefined
}

/** Directories for temporary files: each command has its own, empty ones. */
export const temporary: readonly string[] = ['/tmp', '/var/tmp']

/** Capabilities for switching to its own user, given up with the switch. */
const toBecomeAnother = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP']

/**
 * Builds bubblewrap's arguments up to the command.
 *  The order matters: first the whole machine read-only, then replacements of parts, then the
 * workspace, finally the masks. Root keeps only CAP_DAC_OVERRIDE, so that files of others stay
 * accessible as outside: with CAP_SYS_ADMIN it could mount everything writable again.
 */
export function bwrapArguments(sandbox: Sandbox, view: SandboxView): string[] {
  const traits = profileTraits[view.profile]
  const { network, workspaceWritable, machine } = traits
  const isShared = sharesProcesses(traits)
  const hidden = hiddenPlaces(sandbox)
  const roots = sandbox.roots.toSorted((a, b) => a.length - b.length)
  const workspace = roots.findLast((root) => isWithin(view.cwd, root))
  const own = workspaceWritable && workspace && isItself(workspace) ? workspace : undefined
  const capabilities = [
    ...(process.getuid?.() === 0 ? ['CAP_DAC_OVERRIDE'] : []),
    // kernel messages are reserved for root on most machines
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

/** Whether it is root outside a user namespace. */
function isRoot({ userNamespace }: Sandbox): boolean {
  return process.getuid?.() === 0 && !userNamespace
}

/**
 * Whether a command that sees the machine's processes runs as its own user instead of in a user
 * namespace.
 */
export function becomesAnother({ userNamespace, machine }: Sandbox): boolean {
  return !userNamespace && machine !== null && machine.setpriv !== null
}

function ofUsers(sandbox: Sandbox, profile: ConfinedProfile): string[] {
  const traits = profileTraits[profile]
  const isNeeded = sharesProcesses(traits) && !becomesAnother(sandbox)
  if (!sandbox.userNamespace && !isNeeded) return []
  // inside the mount namespace it would be root
  const [uid, gid] = [String(process.getuid?.() ?? 0), String(process.getgid?.() ?? 0)]
  return ['--unshare-user', ...(traits.machine === null ? [] : ['--uid', uid, '--gid', gid])]
}

/**
 * An empty in-memory directory of limited size.
 *
 * @param isAsLarge whether it reports the size of the machine's
 */
function memory(sandbox: Sandbox, view: SandboxView, path: string, isAsLarge: boolean): string[] {
  const told = isAsLarge ? sizeOf(path) : null
  const bytes = told ?? view.temporaryBytes
  const size = sandbox.takesSize && bytes ? ['--size', String(bytes)] : []
  return [...size, '--tmpfs', path]
}

/** A directory as large as the machine's must not be filled. */
function asLarge(): string[] {
  return ['/dev/shm', ...temporary, ...socketPlaces.filter(isRealDirectory)].filter(
    (path) => sizeOf(path) !== null,
  )
}

function temporaryFiles(sandbox: Sandbox, view: SandboxView): string[] {
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
 * Symlinks stay symlinks: mounting one would mount its target from outside, where nothing is
 * masked. Sockets of a directory are masked: they lead to servers of the machine (tmux, key agents,
 * displays) that start programs or sign for any client, and connecting needs no write access.
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

/** Kerberos keeps its tickets among the temporary files. */
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
    // unreadable for the hub, and therefore for the command
    return []
  }
}

/**
 * Mounts of the writable workspace, and of those hidden by replacements.
 *
 * @param roots outer ones first: a mount on an inner one would be lost below a later mount on the
 *   outer
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
 * The directories between a workspace and its masked parts, each mounted on itself: a mount point
 * cannot be moved. Otherwise a command could move a directory with its secret, and the next one
 * would find it unmasked.
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

/** A missing path that must stay missing: files created there would be lost. */
function mask(path: string, isDirectory: boolean): string[] {
  if (!isDirectory) return ['--ro-bind', '/dev/null', path]
  return ['--tmpfs', path, '--remount-ro', path]
}

/** Whether a path is still no symlink since the hub's check. */
export function isItself(path: string): boolean {
  try {
    return realpathSync.native(path) === path
  } catch {
    // gone: nothing to show
    return false
  }
}

/** `/var/run` is a symlink almost everywhere, and a mount on it would hide its target twice. */
function isRealDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
