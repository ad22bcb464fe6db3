import { existsSync, lstatSync, readdirSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { MachineView } from './profiles.ts'

/** Parts of `/dev` that a program may need besides the device names. */
const harmlessDevices = ['null', 'zero', 'full', 'random', 'urandom']

/**
 * The visible part of `/proc` for a command that lists mounts: no processes, and the machine's
 * mounts.
 */
const tablesOfMounts = ['filesystems', 'partitions', 'swaps', 'diskstats', 'devices', 'version']

/**
 * bubblewrap's arguments for `/proc`, with as much of the machine's as a view needs.
 *
 * @param view null: only the command's own
 */
export function procArguments(view: MachineView | null): string[] {
  if (view === 'processes' || view === 'network') return ['--ro-bind', '/proc', '/proc']
  if (view === 'mounts') {
    // of the calling process, which lives among the machine's own mounts
    const own = `/proc/${process.pid}`
    return [
      '--tmpfs',
      '/proc',
      '--dir',
      '/proc/self',
      ...bound(`${own}/mountinfo`, '/proc/self/mountinfo'),
      ...bound(`${own}/mounts`, '/proc/self/mounts'),
      '--symlink',
      'self/mounts',
      '/proc/mounts',
      ...tablesOfMounts.flatMap((name) => bound(`/proc/${name}`, `/proc/${name}`)),
      '--remount-ro',
      '/proc',
    ]
  }
  // bubblewrap leaves /proc/sys writable to root: core_pattern alone would give away the machine
  return ['--proc', '/proc', '--remount-ro', '/proc']
}

/**
 * The same for `/dev`. A view of files or mounts shows the machine's names there, but no device can
 * be opened, and shared memory is a separate directory of the same size.
 */
export function deviceArguments(view: MachineView | null): string[] {
  if (view !== 'files' && view !== 'mounts') return ['--dev', '/dev']
  const devices = harmlessDevices.map((name) => `/dev/${name}`)
  return [
    '--ro-bind',
    '/dev',
    '/dev',
    ...devices.flatMap((path) => ['--dev-bind', path, path]),
    ...['/dev/mqueue', '/dev/hugepages']
      .filter((path) => existsSync(path))
      .flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
  ]
}

/**
 * The size of the file system mounted at a directory, so that its replacement is as large; null if
 * none is mounted.
 */
export function sizeOf(directory: string): number | null {
  try {
    if (statSync(directory).dev === statSync(dirname(directory)).dev) return null
    const { bsize, blocks } = statfsSync(directory)
    return bsize * blocks
  } catch {
    // not there
    return null
  }
}

/** A younger one may vanish before it is masked, and bubblewrap would fail. */
const lastingMs = 30_000

/**
 * Named pipes in a directory and directly below it. A read-only mount does not prevent writing to
 * them.
 */
export function pipesIn(directory: string, depth = 1): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name)
      if (entry.isFIFO()) return Date.now() - lstatSync(path).ctimeMs < lastingMs ? [] : [path]
      return entry.isDirectory() && depth > 0 ? pipesIn(path, depth - 1) : []
    })
  } catch {
    // unreadable for the hub, and therefore for the command
    return []
  }
}

function bound(from: string, to: string): string[] {
  return ['--ro-bind-try', from, to]
}
